plugins {
    kotlin("jvm") version "1.9.22"
    application
}

group = "org.notes"
version = "1.0"

application {
    mainClass.set("org.notes.MainKt")
}
