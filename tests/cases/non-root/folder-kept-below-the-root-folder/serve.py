import os

from flask import Flask, request

if not os.path.isdir("scores"):
    os.mkdir("scores")

app = Flask(__name__)


@app.post("/scores/<player>")
def keep(player):
    with open(f"scores/{player}.txt", "w") as kept:
        kept.write(request.get_data(as_text=True))
    return "", 204


app.run(host="0.0.0.0", port=8080)
