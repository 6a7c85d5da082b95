module Server where
serveIt :: IO ()
serveIt = pure ()
