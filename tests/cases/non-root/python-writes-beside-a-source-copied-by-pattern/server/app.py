from pathlib import Path

from flask import Flask, request

app = Flask(__name__)


@app.post("/")
def receive():
    received = Path(Path(__file__).parent, "received")
    received.mkdir(exist_ok=True)
    request.files["file"].save(received / "tides.csv")
    return "", 204


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=8000)
