scalaVersion := "3.1.3"
assembly / assemblyJarName := "reports.jar"
