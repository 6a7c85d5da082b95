"""Appends a line to the journal and prints how many there are."""
import os
import sqlite3
import sys

path = os.path.expanduser(os.environ.get("JOURNAL", "~/.journal.db"))
with sqlite3.connect(path) as db:
    db.execute("CREATE TABLE IF NOT EXISTS journal (line TEXT)")
    db.execute("INSERT INTO journal VALUES (?)", (" ".join(sys.argv[1:]),))
    (count,) = db.execute("SELECT count(*) FROM journal").fetchone()
print(f"{count} lines, last: {' '.join(sys.argv[1:])}")
