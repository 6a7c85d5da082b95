from peewee import Model, SqliteDatabase, TextField

db = SqliteDatabase("diary.sqlite3")


class Entry(Model):
    text = TextField()

    class Meta:
        database = db


Entry.create(text=input())
