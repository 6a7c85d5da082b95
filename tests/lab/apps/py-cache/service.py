"""Answers are kept in the user's cache folder, wherever the platform has it, and the history in the home folder."""

import hashlib
import http.server
import pathlib
import tempfile

from platformdirs import user_cache_dir

CACHE = pathlib.Path(user_cache_dir("answers"))
HISTORY = pathlib.Path.home() / ".answers_history"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        CACHE.mkdir(parents=True, exist_ok=True)
        file = CACHE / hashlib.sha256(self.path.encode()).hexdigest()
        hit = file.exists()
        if not hit:
            with tempfile.NamedTemporaryFile(mode="w", delete=False) as draft:
                draft.write(self.path[::-1])
            file.write_text(pathlib.Path(draft.name).read_text())
        with HISTORY.open("a") as history:
            history.write(self.path + "\n")
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(f"{file.read_text()} {'hit' if hit else 'miss'} {len(HISTORY.read_text().split())}\n".encode())

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
