/** Bytes on which a front server and an HTTP parser have disagreed somewhere, and what Skiff makes of them. */
export interface Vector {
  readonly title: string;
  /** As Latin-1. */
  readonly bytes: string;
  /** Every answer in order: the status, and the code where it is a problem. */
  readonly answers: readonly string[];
  /** Whether the connection can be used on; `kept` is tried with one more request. */
  readonly connection: "kept" | "closed";
  /** What the function sees whole, in any order: `METHOD path body`. */
  readonly calls: readonly string[];
  /** The function may see the beginning of this call, which then breaks off. */
  readonly brokenOff?: string;
}

export const HEAD = "POST /fn/echo/a HTTP/1.1\r\nHost: h\r\n";
export const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
/** What an attacker would like to be taken for a request of its own, or not to be. */
export const NEXT = "GET /fn/echo/next HTTP/1.1\r\nHost: h\r\n\r\n";
export const CALL = "POST /a hello";
export const HIDDEN = "GET /next ";
export const BAD = "400 invalid_request";

export type Row = readonly [title: string, bytes: string];

/** Refused before anything reaches a function, and the connection with it. */
export function refused(rows: readonly Row[]): Vector[] {
  return rows.map(([title, bytes]) => ({ title, bytes, answers: [BAD], connection: "closed", calls: [] }));
}

/** Understood in the one way that RFC 9112 knows, so that what follows is a request of its own. */
export function both(rows: readonly Row[], call = CALL): Vector[] {
  return rows.map(([title, bytes]) => ({
    title,
    bytes: bytes + NEXT,
    answers: ["200", "200"],
    connection: "kept",
    calls: [call, HIDDEN],
  }));
}

export const field = (text: string) => `GET /fn/echo/a HTTP/1.1\r\nHost: h\r\n${text}\r\n\r\n`;
export const line = (text: string) => `${text}\r\nHost: h\r\n\r\n`;
