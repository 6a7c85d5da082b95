"""Serves the folder `public` and counts its visitors in a file."""

import functools
import http.server
import os

port = int(os.environ.get("PORT", "8000"))
folder = os.environ.get("PUBLIC", "public")
print(f"serving {folder} as {os.environ.get('NAME', 'nobody in particular')}", flush=True)
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
http.server.ThreadingHTTPServer(("", port), handler).serve_forever()
