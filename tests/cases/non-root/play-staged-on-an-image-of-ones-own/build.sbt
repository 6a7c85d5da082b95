name := "mirror"
lazy val root = (project in file(".")).enablePlugins(PlayScala)
