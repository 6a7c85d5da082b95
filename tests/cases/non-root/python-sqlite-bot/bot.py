import sqlite3
db = sqlite3.connect("bot.db")
db.execute("create table if not exists t (a)")
