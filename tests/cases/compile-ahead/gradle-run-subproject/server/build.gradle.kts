plugins {
    kotlin("jvm") version "1.9.24"
    application
}

application {
    mainClass.set("com.example.ServerKt")
}

tasks.named<JavaExec>("run") {
    standardInput = System.`in`
}
