import { CALL, HEAD, HIDDEN, NEXT, type Vector } from "./vector.ts";

const UPGRADE = "GET /fn/echo/a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade";
/** Node loses what comes in the same packet as a declined offer, and would take the rest for a request. */
const declined = (title: string, bytes: string, call = "GET /a "): Vector => ({
  title,
  bytes: bytes + NEXT,
  answers: ["200"],
  connection: "closed",
  calls: [call],
});

export const OFFERS: readonly Vector[] = [
  declined(
    "an offer of h2c",
    `${UPGRADE}, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
  ),
  declined("an offer of TLS", `${UPGRADE}\r\nUpgrade: TLS/1.0\r\n\r\n`),
  declined(
    "an offer of h2c with a body",
    `${HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello`,
    CALL,
  ),
  declined(
    "a WebSocket by POST",
    `${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello`,
    CALL,
  ),
  declined("a WebSocket that the function declines", `${UPGRADE}\r\nUpgrade: websocket\r\n\r\n`),
  {
    title: "a request after a WebSocket that is refused",
    bytes: `${UPGRADE.replace("echo", "none")}\r\nUpgrade: websocket\r\n\r\n${NEXT}`,
    answers: ["404 unknown_function"],
    connection: "closed",
    calls: [],
  },
  {
    title: "Expect on a call without a body",
    bytes: `GET /fn/echo/a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n${NEXT}`,
    answers: ["100", "200", "200"],
    connection: "kept",
    calls: ["GET /a ", HIDDEN],
  },
  {
    title: "Expect with a body that comes at once",
    bytes: `${HEAD}Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello${NEXT}`,
    answers: ["100", "200", "200"],
    connection: "kept",
    calls: [CALL, HIDDEN],
  },
  {
    title: "Expect in HTTP/1.0, which knows no Expect",
    bytes: "POST /fn/echo/a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    answers: ["200"],
    connection: "closed",
    calls: [CALL],
  },
  {
    title: "Expect for a function that is not there, with the body all the same",
    bytes: `POST /fn/none HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello${NEXT}`,
    answers: ["404 unknown_function"],
    connection: "closed",
    calls: [],
  },
  ...["200-ok", "y 100-continue", "100-continue, x", "100-continue\r\nExpect: 100-continue"].map(
    (value): Vector => ({
      title: `Expect: ${value.replace("\r\n", ", and ")}`,
      bytes: `${HEAD}Expect: ${value}\r\nContent-Length: ${NEXT.length}\r\n\r\n${NEXT}`,
      answers: ["417 expectation_failed"],
      connection: "closed",
      calls: [],
    }),
  ),
];
