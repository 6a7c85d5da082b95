import subprocess

from flask import Flask

app = Flask(__name__)


@app.post("/sync/<name>")
def sync(name):
    command = ["git", "-C", f"/mirrors/{name}", "fetch", "--all"]
    subprocess.run(command, check=True)
    return "done"
