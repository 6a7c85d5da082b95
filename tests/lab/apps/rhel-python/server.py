"""A queue of jobs: each is a file below the working directory, and a line in the log."""

import http.server
import os
import pathlib

QUEUE = pathlib.Path(__file__).resolve().parent / "queue"
LOG = pathlib.Path(os.environ["APP_LOG"])


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, f"{len(list(QUEUE.iterdir()))} jobs\n" + (LOG.read_text() if LOG.exists() else ""))

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        number = len(list(QUEUE.iterdir())) + 1
        (QUEUE / f"{number}.job").write_text(text)
        with LOG.open("a") as log:
            log.write(f"queued {number}\n")
        self.answer(201, f"{number}\n")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


QUEUE.mkdir(exist_ok=True)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
