import { BAD, CALL, CHUNKED, field, HEAD, HIDDEN, NEXT, type Vector } from "./vector.ts";

export const PIPELINES: readonly Vector[] = [
  {
    title: "three requests at once",
    bytes: `${NEXT}${HEAD}Content-Length: 5\r\n\r\nhello${CHUNKED}2\r\nyo\r\n0\r\n\r\n`,
    answers: ["200", "200", "200"],
    connection: "kept",
    calls: [HIDDEN, CALL, "POST /a yo"],
  },
  {
    title: "what is no request behind two that are",
    bytes: `${NEXT}${HEAD}Content-Length: 5\r\n\r\nhelloBREW / HTTP/1.1\r\n\r\n`,
    answers: ["200", "200", BAD],
    connection: "closed",
    calls: [HIDDEN, CALL],
  },
  {
    title: "more bytes than the body of no length has",
    bytes: `${HEAD}\r\nhello`,
    answers: ["200", BAD],
    connection: "closed",
    calls: ["POST /a "],
  },
  {
    title: "a request behind one that closes the connection",
    bytes: `${field("Connection: close")}${NEXT}`,
    answers: ["200"],
    connection: "closed",
    calls: ["GET /a "],
  },
  {
    title: "a request behind a length that is refused",
    bytes: `${HEAD}Content-Length: 1001\r\n\r\n${"x".repeat(1_001)}${NEXT}`,
    answers: ["413 body_too_large", "200"],
    connection: "kept",
    calls: [HIDDEN],
  },
  {
    title: "a body that a HEAD carries",
    bytes: `HEAD /fn/echo/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello`,
    answers: ["200"],
    connection: "kept",
    calls: ["HEAD /a hello"],
  },
];
