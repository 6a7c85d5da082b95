from flask import Flask, send_file
from matplotlib.figure import Figure

app = Flask(__name__)


@app.get("/plot")
def plot():
    figure = Figure()
    figure.subplots().plot([1, 2])
    figure.savefig("./static/plots/line.png")
    return send_file("static/plots/line.png")


app.run(host="0.0.0.0")
