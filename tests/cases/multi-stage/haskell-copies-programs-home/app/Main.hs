module Main where
import Server
main :: IO ()
main = serveIt
