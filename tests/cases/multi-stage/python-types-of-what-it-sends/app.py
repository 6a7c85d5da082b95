import io

from flask import Flask, send_file
from openpyxl import Workbook

app = Flask(__name__)


@app.get("/sales")
def sales():
    book = Workbook()
    book.active.append(["month", "sum"])
    content = io.BytesIO()
    book.save(content)
    content.seek(0)
    return send_file(content, as_attachment=True, download_name="sales.xlsx")
