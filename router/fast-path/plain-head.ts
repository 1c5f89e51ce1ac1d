import type { KnownFields } from "../exchange/request.ts";

/** The head of a request that leaves no choice in how it is read. */
export interface PlainHead {
  readonly method: "GET" | "HEAD";
  readonly url: string;
  /** Names as they were sent and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: KnownFields;
  /** The client does not ask for the end of the connection. */
  readonly keepsAlive: boolean;
}

const MOST_FIELDS = 64;
const VERSION = " HTTP/1.1\r\n";
const CR = 13;
const LF = 10;
const SPACE = 32;
const COLON = 58;

/** By code of a character: 1 may stand in a target (RFC 3986 3.3 and 3.4), 0 may not. */
const TARGET = table(/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]/);
/** The same for the name of a field (RFC 9110 5.6.2). */
const NAME = table(/[A-Za-z0-9!#$%&'*+.^_`|~-]/);
/** The same for its value: printable ASCII. Tabs and what is beyond ASCII are allowed (RFC 9110 5.5), but not plain. */
const VALUE = table(/[ -~]/);

/** Fields that a call looks at: twice they would have to be put together. */
const ONCE: ReadonlySet<string> = new Set([
  "connection",
  "forwarded",
  "host",
  "traceparent",
  "user-agent",
  "x-forwarded-for",
]);
/** What frames a body, or changes what is spoken on the connection. */
const NEVER: ReadonlySet<string> = new Set([
  "content-length",
  "expect",
  "http2-settings",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Reads the head of a GET or HEAD of a function, without a body; `text` is one character per byte and ends with the
 * empty line. Undefined for everything else, which is node's to read: this accepts less than node's parser does, and
 * nothing that node's refuses or reads in another way.
 */
export function readPlainHead(text: string): PlainHead | undefined {
  const method = text.startsWith("GET /fn/") ? "GET" : text.startsWith("HEAD /fn/") ? "HEAD" : undefined;
  if (method === undefined) return undefined;
  const targetAt = method.length + 1;
  let at = targetAt;
  while (TARGET[text.charCodeAt(at)] === 1) at++;
  const url = text.slice(targetAt, at);
  if (!text.startsWith(VERSION, at)) return undefined;
  at += VERSION.length;
  const rawHeaders: string[] = [];
  const known: Record<string, string> = {};
  while (text.charCodeAt(at) !== CR) {
    const nameAt = at;
    while (NAME[text.charCodeAt(at)] === 1) at++;
    if (at === nameAt || text.charCodeAt(at) !== COLON) return undefined;
    const name = text.slice(nameAt, at);
    if (text.charCodeAt(++at) === SPACE) at++;
    const valueAt = at;
    while (VALUE[text.charCodeAt(at)] === 1) at++;
    if (at === valueAt || text.charCodeAt(valueAt) === SPACE || text.charCodeAt(at - 1) === SPACE)
      return undefined;
    if (text.charCodeAt(at) !== CR || text.charCodeAt(at + 1) !== LF) return undefined;
    const value = text.slice(valueAt, at);
    at += 2;
    const lower = name.toLowerCase();
    if (NEVER.has(lower)) return undefined;
    if (ONCE.has(lower)) {
      if (known[lower] !== undefined) return undefined;
      known[lower] = value;
    }
    if (rawHeaders.push(name, value) > 2 * MOST_FIELDS) return undefined;
  }
  if (at !== text.length - 2 || text.charCodeAt(at + 1) !== LF || known.host === undefined) return undefined;
  const keepsAlive = keepsAliveFor(known.connection);
  return keepsAlive === undefined ? undefined : { method, url, rawHeaders, headers: known, keepsAlive };
}

/** Undefined for what says more than whether the connection is kept. */
function keepsAliveFor(connection: string | undefined): boolean | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "Keep-Alive") return true;
  return connection === "close" ? false : undefined;
}

function table(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0));
}
