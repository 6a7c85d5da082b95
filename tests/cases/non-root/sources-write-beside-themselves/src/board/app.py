from pathlib import Path

from fastapi import FastAPI

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
KEPT = Path(__file__).resolve().parent / "kept"
KEPT.mkdir(exist_ok=True)
OUTSIDE = Path(__file__).parents[4] / "archive" / "board"
OUTSIDE.mkdir(parents=True, exist_ok=True)

app = FastAPI()


@app.post("/draw")
def draw():
    (KEPT / "last.txt").write_text("drawn")
    with open("static/last.svg", "w") as drawn:
        drawn.write("<svg/>")
    return (TEMPLATES / "page.html").read_text()
