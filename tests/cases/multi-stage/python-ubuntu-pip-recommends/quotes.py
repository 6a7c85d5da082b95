import flask

app = flask.Flask(__name__)


@app.route("/")
def quote():
    return "Measure twice."


app.run(host="0.0.0.0", port=8000)
