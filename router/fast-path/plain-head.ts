import type { KnownFields } from "../exchange/request.ts";

/** The head of a request that every HTTP parser reads in the same way. */
export interface PlainHead {
  readonly method: string;
  readonly url: string;
  /** Names as they were sent and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly headers: KnownFields;
  /** The client does not ask to close the connection. */
  readonly keepsAlive: boolean;
  /** Bytes of the body, 0 if there is none; undefined if it is chunked. */
  readonly length: number | undefined;
}

const METHODS: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const MOST_FIELDS = 64;
const VERSION = " HTTP/1.1\r\n";
const [TAB, LF, CR, SPACE, COLON] = [9, 10, 13, 32, 58];

/** By character code: 1 is allowed in a target (RFC 3986 3.3 and 3.4). */
const TARGET = table(/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]/);
/** The same for the name of a field (RFC 9110 5.6.2). */
const NAME = table(/[A-Za-z0-9!#$%&'*+.^_`|~-]/);
/** The same for its value: printable ASCII. Other valid characters (RFC 9110 5.5) are not plain. */
const VALUE = table(/[ -~]/);
/** A length without a choice: no sign, no zeros in front, exact as a number. */
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;
/** A trailer arrives when Node can no longer take the request: here all valid values are read. */
const FIELD = /^([\w!#$%&'*+.^`|~-]+):([\t -~\x80-\xff]*)\r\n$/;

/** Fields that the router reads: repeated ones would have to be merged. */
const ONCE: ReadonlySet<string> = new Set(
  [
    "connection content-length forwarded host traceparent transfer-encoding user-agent",
    "x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-prefix x-forwarded-proto",
  ].flatMap((names) => names.split(" ")),
);
/** Fields that change the protocol of the connection, or that parsers read differently. */
const NEVER: ReadonlySet<string> = new Set("expect http2-settings proxy-connection upgrade".split(" "));

/** Returns whether the beginning of a head can become a plain one. */
export function mayBecomePlain(text: string): boolean {
  return METHODS.some((method) => `${method} /`.startsWith(text.slice(0, method.length + 2)));
}

/** Returns name and value of the line of a trailer; undefined if it is not valid. */
export function readField(line: string): readonly [name: string, value: string] | undefined {
  const [, name, value = ""] = FIELD.exec(line) ?? [];
  if (name === undefined) return undefined;
  // By hand: an expression with blanks on both sides of the value is quadratic for a line of blanks.
  let [start, end] = [0, value.length];
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return [name, value.slice(start, end)];
}

/**
 * Parses the head of a call; `text` is one character per byte and ends with the empty line. Returns undefined for
 * anything else, which Node's parser reads: this parser accepts less than Node's, and nothing that Node's refuses or
 * reads differently.
 * @param root beginning of the paths that are read
 */
export function readPlainHead(text: string, root = "/fn/"): PlainHead | undefined {
  const method = METHODS.find((each) => text.startsWith(each));
  if (method === undefined) return undefined;
  const targetAt = method.length + 1;
  if (text.charCodeAt(method.length) !== SPACE || !text.startsWith(root, targetAt)) return undefined;
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
  const { "content-length": length, "transfer-encoding": coding } = known;
  if (keepsAlive === undefined || (length !== undefined && !LENGTH.test(length))) return undefined;
  if (coding !== undefined && (coding !== "chunked" || length !== undefined)) return undefined;
  const bytes = coding === undefined ? Number(length ?? 0) : undefined;
  return { method, url, rawHeaders, headers: known, keepsAlive, length: bytes };
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Returns undefined for a value that does more than keep or close the connection. */
function keepsAliveFor(connection: string | undefined): boolean | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "Keep-Alive") return true;
  return connection === "close" ? false : undefined;
}

function table(characters: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => (characters.test(String.fromCharCode(code)) ? 1 : 0));
}
