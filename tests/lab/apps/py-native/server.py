"""Says whether the database can be reached, and with which client library."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2
import psycopg2.extensions
import redis

DSN = os.environ.get("DATABASE_URL", "postgresql://localhost:5432/app")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            try:
                psycopg2.connect(DSN, connect_timeout=2).close()
                status = 200
            except psycopg2.OperationalError:
                status = 503
            body = {"database": status == 200}
        else:
            status = 200
            body = {
                "libpq": psycopg2.extensions.libpq_version() > 0,
                "parsed": psycopg2.extensions.parse_dsn(DSN)["dbname"],
                "redis": redis.__version__,
            }
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(os.environ.get("PORT", 8000))), Handler).serve_forever()
