import type { Script } from "./script.ts";

/** Scripts on which the readers have differed. */
export const CORPUS: readonly (readonly [title: string, script: Script])[] = [
  [
    "a request that arrives in two parts behind one that is refused at once",
    inParts({ answers: [{}, whole(2), whole(0)] }, [
      "PUT /fn/none HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhiDELETE /fn/echo HTTP/1.1\r\n",
      "Host: h\r\n\r\nPOST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    ]),
  ],
  [
    "the rest of a body that takes two checks after its answer",
    inParts({}, ["POST /fn/none HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n", "hell"]),
  ],
  [
    "a large body that has arrived whole before it is read",
    inParts({ end: "fin", answers: [whole(0)] }, [
      `POST /fn/echo HTTP/1.1\r\nHost: h\r\nContent-Length: 70000\r\n\r\n${"x".repeat(70_000)}`,
    ]),
  ],
  [
    "a request behind the last one, whose answer is sent while its body is read",
    inParts({ answers: [whole(0), whole(0)] }, [
      "POST /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhe",
      "lloPOST /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n",
    ]),
  ],
];

/** A script whose parts follow each other at once, and whose client stays; `rest` differs from that. */
export function inParts(rest: Partial<Script>, parts: readonly string[]): Script {
  let end = 0;
  const ends = parts.map((part) => (end += part.length));
  return {
    bytes: parts.join(""),
    cuts: ends.slice(0, -1),
    gaps: parts.map(() => "none"),
    end: "open",
    isSlow: false,
    hasHost: false,
    seed: 1,
    requests: 1,
    ...rest,
  };
}

/** An answer that comes so many turns of the event loop after the body. */
export function whole(delay: number): NonNullable<Script["answers"]>[number] {
  return {
    reading: "whole",
    delay,
    pause: 0,
    status: 200,
    headFirst: false,
    truncates: false,
    closes: false,
  };
}
