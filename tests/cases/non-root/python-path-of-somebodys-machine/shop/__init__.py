from flask import Flask

UPLOAD_FOLDER = "/home/anna/projects/shop/uploads"

app = Flask(__name__)
