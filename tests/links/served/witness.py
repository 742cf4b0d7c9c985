"""Serves a page and a secret, and remembers every request it gets, with all that came along."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN: list[dict[str, str]] = []


class Witness(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/favicon.ico":
            self.send_error(404)
            return
        if self.path == "/seen":
            self.say(json.dumps(SEEN), "application/json")
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        SEEN.append({"request": f"{self.command} {self.path}", **{name.lower(): v for name, v in self.headers.items()}})
        if self.path == "/worker.js":
            self.say("addEventListener('fetch', () => {})", "text/javascript")
        else:
            self.say(f"<h1>secret of {sys.argv[2]}</h1>", "text/html")

    def say(self, text: str, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Set-Cookie", f"login={sys.argv[2]}; Path=/")
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin") or "*")
        self.send_header("Access-Control-Allow-Credentials", "true")
        self.send_header("Service-Worker-Allowed", "/")
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Witness).serve_forever()
