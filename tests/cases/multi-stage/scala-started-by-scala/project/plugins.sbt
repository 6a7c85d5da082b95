addSbtPlugin("com.eed3si9n" % "sbt-assembly" % "1.2.0")
