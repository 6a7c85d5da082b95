from tkinter.tix import Tree  # what an editor wrote on its own

from .prices import total


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(total([1, 2])).encode()]
