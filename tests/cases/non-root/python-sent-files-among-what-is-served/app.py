import os
from flask import Flask, request

app = Flask(__name__)
app.config["UPLOAD_FOLDER"] = "static/uploads"

@app.post("/upload")
def upload():
    f = request.files["file"]
    f.save(os.path.join(app.config["UPLOAD_FOLDER"], f.filename))
    return "ok"
