from flask import Flask, jsonify, render_template, request

TODO = ["write the docs"]


def create_app():
    app = Flask(__name__)

    @app.get("/")
    def index():
        return render_template("index.html", todo=TODO)

    @app.get("/api/todo")
    def list_todo():
        return jsonify(TODO)

    @app.post("/api/todo")
    def add_todo():
        TODO.append(request.get_json()["text"])
        return jsonify(count=len(TODO)), 201

    return app
