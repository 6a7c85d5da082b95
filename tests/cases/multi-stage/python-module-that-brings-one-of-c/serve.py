from flask import Flask
from flask_mysqldb import MySQL

app = Flask(__name__)
database = MySQL(app)
app.run(host="0.0.0.0", port=8000)
