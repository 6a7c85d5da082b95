from flask import Flask

app = Flask(__name__)


@app.route("/")
def index():
    return "shop"


app.run("0.0.0.0", 8080)
