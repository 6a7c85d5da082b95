name := "Price Feed"
scalaVersion := "3.4.1"
enablePlugins(JavaAppPackaging)
