import { both, field, HEAD, line, refused, type Vector } from "./vector.ts";

const host = (text: string) => `GET /fn/echo/a HTTP/1.1\r\n${text}\r\n`;

export const FIELDS: readonly Vector[] = [
  ...refused([
    ["line feeds alone", "GET /fn/echo/a HTTP/1.1\nHost: h\n\n"],
    ["a head that ends with a bare line feed", "GET /fn/echo/a HTTP/1.1\r\nHost: h\r\n\n"],
    ["a request line that ends with a bare line feed", "GET /fn/echo/a HTTP/1.1\nHost: h\r\n\r\n"],
    ["a bare line feed between fields", field("X-A: 1\nX-B: 2")],
    ["a bare carriage return in a value", field("X-A: a\rb")],
    ["two carriage returns", field("X-A: a\r")],
    ["a NUL in a value", field("X-A: a\0b")],
    ["a NUL in a name", field("X\0: b")],
    ["a NUL in the target", line("GET /fn/echo/a\0b HTTP/1.1")],
    ["a NUL in the method", line("GE\0T /fn/echo/a HTTP/1.1")],
    ["a name that is not ASCII", field("X\xe9: b")],
    ["an empty name", field(": b")],
    ["a space before the colon", field("X-A : b")],
    ["no colon", field("X-A")],
    ["a folded field", field("X-A: 1\r\n b")],
    ["a folded field at the beginning", host(" Host: h\r\n")],
    ["a space in the target", line("GET /fn/echo/a b HTTP/1.1")],
    ["a target that is not ASCII", line("GET /fn/echo/\xe9 HTTP/1.1")],
    ["tabs in the request line", line("GET\t/fn/echo/a\tHTTP/1.1")],
    ["a space after the version", line("GET /fn/echo/a HTTP/1.1 ")],
    ["a method in small letters", line("get /fn/echo/a HTTP/1.1")],
    ["an unknown method", line("BREW /fn/echo/a HTTP/1.1")],
    ["the authority as target", line("GET h:80 HTTP/1.1")],
  ]),
  ...both([["empty lines before the request", `\r\n\r\n${HEAD}Content-Length: 5\r\n\r\nhello`]]),
  ...both([["empty lines after the body", `${HEAD}Content-Length: 5\r\n\r\nhello\r\n\r\n`]]),
  {
    title: "line breaks in disguise",
    bytes: field("X-A: \xc4\x8d\xc4\x8aX-B: b"),
    answers: ["200"],
    connection: "kept",
    calls: ["GET /a "],
  },
];
