import { both, line, NEXT, refused, type Vector } from "./vector.ts";

export const VERSIONS: readonly Vector[] = [
  ...refused([
    ["HTTP/0.9 with a version", line("GET /fn/echo/a HTTP/0.9")],
    ["HTTP/1.2", line("GET /fn/echo/a HTTP/1.2")],
    ["HTTP/2.0", line("GET /fn/echo/a HTTP/2.0")],
    ["HTTP/3.0", line("GET /fn/echo/a HTTP/3.0")],
    ["HTTP/1", line("GET /fn/echo/a HTTP/1")],
    ["HTTP/01.1", line("GET /fn/echo/a HTTP/01.1")],
    ["HTTP/1,1", line("GET /fn/echo/a HTTP/1,1")],
    ["http/1.1", line("GET /fn/echo/a http/1.1")],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"],
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ]),
  {
    title: "HTTP/0.9",
    bytes: "GET /fn/echo/a\r\n",
    answers: ["408 request_timeout"],
    connection: "closed",
    calls: [],
  },
  {
    title: "HTTP/1.0, and a request behind it",
    bytes: `GET /fn/echo/a HTTP/1.0\r\nHost: h\r\n\r\n${NEXT}`,
    answers: ["200"],
    connection: "closed",
    calls: ["GET /a "],
  },
  {
    title: "HTTP/1.0 with a body of no length",
    bytes: "POST /fn/echo/a HTTP/1.0\r\nHost: h\r\n\r\nhello",
    answers: ["200"],
    connection: "closed",
    calls: ["POST /a "],
  },
  ...both(
    [["HTTP/1.0 that keeps the connection", "GET /fn/echo/a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"]],
    "GET /a ",
  ),
];
