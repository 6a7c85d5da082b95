import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from store import keep


class Gallery(BaseHTTPRequestHandler):
    def do_POST(self):
        keep(os.environ["BASE_DIR"], self.rfile)


HTTPServer(("", 8080), Gallery).serve_forever()
