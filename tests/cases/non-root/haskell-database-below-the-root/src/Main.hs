module Main where

import qualified Database.SQLite.Simple as SQLite

main :: IO ()
main = SQLite.withConnection "db/scores.sqlite3" $ \connection ->
  SQLite.execute_ connection "create table if not exists scores (name text)"
