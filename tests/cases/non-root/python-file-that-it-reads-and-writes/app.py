import json
from flask import Flask, request

app = Flask(__name__)

@app.post("/add")
def add():
    with open("tasks.json") as f:
        tasks = json.load(f)
    tasks.append(request.json)
    with open("tasks.json", "w") as f:
        json.dump(tasks, f)
    return "ok"
