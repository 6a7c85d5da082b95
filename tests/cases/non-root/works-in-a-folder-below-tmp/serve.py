import json
from pathlib import Path

from flask import Flask, request

app = Flask(__name__)
seen = Path("seen")
seen.mkdir(exist_ok=True)


@app.post("/<ferry>")
def arrived(ferry):
    (seen / f"{ferry}.json").write_text(json.dumps(request.json))
    return "", 204


app.run(host="0.0.0.0", port=8000)
