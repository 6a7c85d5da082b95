main :: IO ()
main = putStrLn "ready"
