import os

from flask import Flask, jsonify, request, send_from_directory
from PIL import Image
from werkzeug.utils import secure_filename

UPLOAD_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "uploads")
os.makedirs(UPLOAD_FOLDER, exist_ok=True)

app = Flask(__name__)


@app.route("/upload", methods=["POST"])
def upload():
    file = request.files["file"]
    name = secure_filename(file.filename)
    path = os.path.join(UPLOAD_FOLDER, name)
    file.save(path)
    with Image.open(path) as image:
        size = image.size
        image.resize((1, 1)).save(path + ".thumb.png")
    return jsonify(name=name, size=size), 201


@app.route("/uploads/<name>")
def get(name):
    return send_from_directory(UPLOAD_FOLDER, name)


@app.route("/")
def index():
    return jsonify(sorted(os.listdir(UPLOAD_FOLDER)))


if __name__ == "__main__":
    app.run(host="0.0.0.0", port=5000)
