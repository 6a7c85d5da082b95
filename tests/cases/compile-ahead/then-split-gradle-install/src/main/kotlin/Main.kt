fun main() = println("notes")
