object Main extends App { println("open") }
