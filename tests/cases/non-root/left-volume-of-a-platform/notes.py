import os
import sqlite3

from flask import Flask

app = Flask(__name__)
sqlite3.connect(os.environ["DATABASE"]).execute("create table if not exists notes (text)")
