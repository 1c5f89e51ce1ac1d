"""Serves a handler (event, context) as Kubeless has them: python3 adapter.py FILE FUNCTION.

It listens on the Unix socket $SOCKET, or on $PORT.
"""
import datetime
import http.cookies
import importlib.util
import json
import os
import re
import signal
import socketserver
import sys
import threading
import traceback
import urllib.parse
from http.server import BaseHTTPRequestHandler
from io import BytesIO

FILE, NAME = (sys.argv[1:] + ["", ""])[:2]
CALL_ID = "x-skiff-call-id"
PROBE_HEADER = "x-skiff-probe"
TYPE = "https://skiff.dev/problems/program_failed"
CONTEXT = {
    "function-name": NAME,
    "timeout": os.environ.get("FUNC_TIMEOUT", ""),
    "runtime": "python%d.%d" % sys.version_info[:2],
    "memory-limit": os.environ.get("FUNC_MEMORY_LIMIT", ""),
}


# What HTTP allows in a header (RFC 9110, section 5).
FIELD_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class Values(dict):
    """Values by name, which are attributes too, as Bottle has them."""

    def __getattr__(self, name):
        return self.get(name, "")


class Request:
    """What handlers use of Bottle's request."""

    def __init__(self, handler, body):
        path, _, query = handler.path.partition("?")
        self.method = handler.command
        self.path = urllib.parse.unquote(path)
        self.url = "http://%s%s" % (handler.headers.get("host", "localhost"), handler.path)
        self.query_string = query
        self.headers = handler.headers
        self.body = BytesIO(body)
        self.remote_addr = handler.headers.get("x-forwarded-for", "").split(",")[0].strip()
        self.content_type = handler.headers.get("content-type", "")
        self._raw = body

    @property
    def query(self):
        return Values(urllib.parse.parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def forms(self):
        if not self.content_type.startswith("application/x-www-form-urlencoded"):
            return Values()
        return Values(urllib.parse.parse_qsl(self._raw.decode(), keep_blank_values=True))

    @property
    def params(self):
        return Values({**self.query, **self.forms})

    @property
    def json(self):
        return json.loads(self._raw) if is_json(self.content_type) and self._raw else None

    def get_header(self, name, default=None):
        return self.headers.get(name, default)

    def get_cookie(self, name, default=None):
        cookies = http.cookies.SimpleCookie(self.headers.get("cookie", ""))
        return cookies[name].value if name in cookies else default


class Response:
    """What handlers use of Bottle's response."""

    def __init__(self):
        self.status = 200
        self.headers = {}

    def set_header(self, name, value):
        self.headers[name.lower()] = str(value)

    @property
    def content_type(self):
        return self.headers.get("content-type", "")

    @content_type.setter
    def content_type(self, value):
        self.set_header("content-type", value)


def is_json(content_type):
    return re.match(r"application/(?:[\w.-]+\+)?json\b", content_type, re.I) is not None


def check_fields(headers):
    """A server that sends them all the same would break its connection, or send what the handler did not mean."""
    for name, value in headers.items():
        if not FIELD_NAME.fullmatch(name) or not FIELD_VALUE.fullmatch(value):
            raise ValueError("HTTP has no such header: %s: %s" % (ascii(name), ascii(value)))


def load_handler():
    # Modules beside the file can be imported.
    folder = os.path.dirname(os.path.abspath(FILE))
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(FILE))[0], FILE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    handler = getattr(module, NAME, None)
    if callable(handler):
        return handler
    known = ", ".join(key for key, value in vars(module).items() if callable(value) and key[0] != "_")
    raise SystemExit('%s has no function "%s"; it has %s' % (FILE, NAME, known or "none"))


def data_of(body, content_type):
    """Parsed if it says that it is JSON, else text, or the bytes if they are no text."""
    if body and is_json(content_type):
        return json.loads(body)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


def event_of(request, response, body):
    headers = request.headers
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()

    def first(*names):
        return next((headers[name] for name in names if name in headers), None)

    return {
        "data": data_of(body, request.content_type),
        "event-id": first("event-id", "ce-id", CALL_ID),
        "event-type": first("event-type", "ce-type", "content-type") or "",
        "event-time": first("event-time", "ce-time") or now,
        "event-namespace": first("event-namespace", "ce-source") or "",
        "extensions": {"request": request, "response": response},
    }


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


class UnixServer(Server):
    address_family = getattr(socketserver.socket, "AF_UNIX", None)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write for the head and one for the body wait for each other otherwise.
    wbufsize = -1
    disable_nagle_algorithm = False

    def address_string(self):
        return "-"

    def log_message(self, *_):
        """The access log of Skiff has the call."""

    def read_body(self):
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self.read_chunks()
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def read_chunks(self):
        chunks = []
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            chunks.append(self.rfile.read(size))
            if size == 0:
                break
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass
        return b"".join(chunks)

    def answer(self):
        response = Response()
        # Skiff asks whether the instance answers. Clients cannot send the field.
        if PROBE_HEADER in self.headers:
            response.status = 204
            self.send(response, b"")
            return
        try:
            body = self.read_body()
            request = Request(self, body)
            result = HANDLER(event_of(request, response, body), CONTEXT)
            content = self.encode(result, response)
            check_fields(response.headers)
        except Exception as error:
            traceback.print_exc()
            response = Response()
            content = self.encode_error(error, response)
        self.send(response, content)

    def encode(self, result, response):
        if result is None:
            return b""
        if isinstance(result, (bytes, bytearray)):
            response.headers.setdefault("content-type", "application/octet-stream")
            return bytes(result)
        if isinstance(result, str):
            response.headers.setdefault("content-type", "text/plain; charset=utf-8")
            return result.encode()
        response.headers.setdefault("content-type", "application/json")
        return json.dumps(result).encode()

    def encode_error(self, error, response):
        """The same document as that of a program that fails."""
        response.status = 500
        response.set_header("content-type", "application/problem+json")
        response.set_header("x-skiff-error", "platform")
        detail = 'The handler "%s" raised %s: %s' % (NAME, type(error).__name__, error)
        problem = {"type": TYPE, "title": "The program failed", "status": 500}
        problem.update(code="program_failed", detail=detail[:1000])
        if CALL_ID in self.headers:
            problem["callId"] = self.headers[CALL_ID]
        return json.dumps(problem).encode()

    def send(self, response, content):
        code = int(str(response.status).split()[0])
        self.send_response(code)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if code not in (204, 304):
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and code not in (204, 304):
            self.wfile.write(content)
        self.wfile.flush()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer


def main():
    path = os.environ.get("SOCKET")
    server = UnixServer(path, Handler) if path else Server(("", int(os.environ.get("PORT") or 8080)), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


# A line of the log must not wait for a full buffer.
sys.stdout.reconfigure(line_buffering=True)
HANDLER = load_handler()
main()
