name := "shop"
version := "0.1.0"
scalaVersion := "2.13.14"
