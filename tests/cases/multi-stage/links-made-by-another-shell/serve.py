import ctypes
from flask import Flask

tide = ctypes.CDLL("./native/libtide.so").tide
app = Flask(__name__)


@app.route("/<int:hour>")
def show(hour):
    return str(tide(hour))


app.run(host="0.0.0.0", port=8000)
