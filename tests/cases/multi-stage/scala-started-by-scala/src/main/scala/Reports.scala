@main def reports() = println("ready")
