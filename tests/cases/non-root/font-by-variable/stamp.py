import io
import os

from flask import Flask, request, send_file
from PIL import Image, ImageDraw, ImageFont

FONT = ImageFont.truetype(os.getenv("FONT_PATH", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"), 24)
app = Flask(__name__)


@app.post("/stamp")
def stamp():
    image = Image.open(request.files["image"].stream)
    ImageDraw.Draw(image).text((8, 8), "seen", font=FONT)
    out = io.BytesIO()
    image.save(out, "PNG")
    out.seek(0)
    return send_file(out, mimetype="image/png")
