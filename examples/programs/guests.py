#!/usr/bin/env python3
"""A server: an instance starts it once, and it answers calls on $PORT."""
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

guests = []


class Book(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        guests.append(self.rfile.read(int(self.headers.get("content-length", 0))).decode())
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        body = json.dumps(guests).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("", int(os.environ["PORT"])), Book).serve_forever()
