import { BAD, both, line, NEXT, type Row, type Vector } from "./vector.ts";

const host = (text: string) => `GET /fn/echo/a HTTP/1.1\r\n${text}\r\n`;

/** Understood, refused, and the connection kept: nothing of these is doubtful but where they go. */
function misdirected(rows: readonly Row[], answer: string): Vector[] {
  return rows.map(([title, bytes]) => ({ title, bytes, answers: [answer], connection: "kept", calls: [] }));
}

export const TARGETS: readonly Vector[] = [
  ...misdirected(
    [
      ["no Host", host("")],
      ["an empty Host", host("Host:\r\n")],
      ["two Hosts", host("Host: a\r\nHost: b\r\n")],
      ["the same Host twice", host("Host: a\r\nhost: a\r\n")],
      ["a Host with a path and a query", host("Host: x/fn/y?\r\n")],
      ["a Host with user information", host("Host: a@b\r\n")],
      ["a Host with a space", host("Host: a b\r\n")],
      ["a Host with a fragment", host("Host: a#b\r\n")],
      ["a Host with a percent escape", host("Host: a%2fb\r\n")],
      ["a Host with a back-slash", host("Host: a\\b\r\n")],
      ["a Host with a port that is none", host("Host: a:b\r\n")],
      ["a list of Hosts", host("Host: a, b\r\n")],
      ["a Host that is not ASCII", host("Host: \xe9\r\n")],
      ["a Host that is half an IPv6 address", host("Host: [::1\r\n")],
      ["a Host that is longer than any", host(`Host: ${"a".repeat(300)}\r\n`)],
      ["an absolute target with user information", line("GET http://a@b/fn/echo/a HTTP/1.1")],
      ["an absolute target without a host", line("GET http:///fn/echo/a HTTP/1.1")],
      ["an absolute target and no Host", "GET http://h/fn/echo/a HTTP/1.1\r\n\r\n"],
    ],
    BAD,
  ),
  ...misdirected(
    [
      ["an absolute target of another scheme", line("GET ftp://h/fn/echo/a HTTP/1.1")],
      ["an asterisk", line("OPTIONS * HTTP/1.1")],
      ["an asterisk with GET", line("GET * HTTP/1.1")],
      ["two slashes", line("GET //fn/echo/a HTTP/1.1")],
      ["a back-slash", line("GET /fn\\echo/a HTTP/1.1")],
      ["an escaped slash", line("GET /fn/echo%2fa HTTP/1.1")],
    ],
    "404 unknown_function",
  ),
  ...both(
    [
      ["an absolute target", line("GET http://h/fn/echo/a HTTP/1.1")],
      ["an absolute target that is not the Host", line("GET http://other/fn/echo/a HTTP/1.1")],
    ],
    "GET /a ",
  ),
  {
    title: "a tunnel",
    bytes: `CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n${NEXT}`,
    answers: ["405 method_not_allowed"],
    connection: "closed",
    calls: [],
  },
  {
    title: "a tunnel to a path",
    bytes: `CONNECT /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n${NEXT}`,
    answers: ["405 method_not_allowed"],
    connection: "closed",
    calls: [],
  },
];
