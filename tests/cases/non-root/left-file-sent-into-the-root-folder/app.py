import pandas
from flask import Flask, request

app = Flask(__name__)


@app.post("/tables")
def tables():
    table = request.files["table"]
    table.save(table.filename)
    return pandas.read_csv(table.filename).describe().to_html()


app.run(host="0.0.0.0")
