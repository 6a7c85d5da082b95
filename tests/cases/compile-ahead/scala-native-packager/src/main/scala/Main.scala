@main def main() = println("feed")
