import type { TLSSocket } from "node:tls";
import { Problem } from "../../platform/problems.ts";
import type { PreparedRequest, RequestHead, Target } from "./request.ts";

const PASS = 0;
const STRIP = 1;
const HOST = 2;
const TE = 3;
const TRACEPARENT = 4;
const TRACESTATE = 5;

/**
 * What becomes of a request field. Names that pass are listed only where they are common, in the two
 * spellings seen on the wire, so that they need no lower-casing.
 */
const ACTIONS: ReadonlyMap<string, number> = new Map(
  [
    ...["Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control"].map(pass),
    ...["Content-Length", "Content-Type", "Cookie", "Origin", "Referer", "User-Agent"].map(pass),
    ...["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Trailer", "Expect"].map(strip),
    ...["Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate", "HTTP2-Settings"].map(strip),
    ...["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"].map(strip),
    ...["X-Forwarded-Prefix"].map(strip),
    ["Host", HOST] as const,
    ["TE", TE] as const,
    ["Traceparent", TRACEPARENT] as const,
    ["Tracestate", TRACESTATE] as const,
  ].flatMap(([name, action]) => [[name, action] as const, [name.toLowerCase(), action] as const]),
);

function pass(name: string): readonly [string, number] {
  return [name, PASS];
}

function strip(name: string): readonly [string, number] {
  return [name, STRIP];
}

/** Prepares a request for its call. */
export function prepare(head: RequestHead): PreparedRequest {
  const target = parseTarget(head.url!);
  const nothing = { text: "", traceparent: undefined, tracestate: undefined };
  if (target === undefined) return { head, target, problem: undefined, ...nothing };
  try {
    const { fields, traceparent, tracestate } = forwardedFields(head, target);
    const text = `${head.method} ${target.path} HTTP/1.1\r\n${fields}`;
    return { head, target, problem: undefined, text, traceparent, tracestate };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { head, target, problem: error, ...nothing };
  }
}

/**
 * The header fields of a call as lines for the instance, in one pass: drops hop-by-hop fields (RFC 9110 7.6.1) and the
 * client's own `x-skiff-*`, adds where the call came from.
 * @throws Problem `invalid_request` if the host is missing, repeated or not valid
 */
function forwardedFields(request: RequestHead, target: Target) {
  const raw = request.rawHeaders;
  const named = connectionNames(request.headers.connection);
  const headers: string[] = [];
  let host: string | undefined;
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    let action = ACTIONS.get(name);
    if (action === undefined || named !== undefined) action = actionOf(name, named);
    if (action === PASS) headers.push(name, raw[i + 1]!);
    else if (action === HOST) {
      if (host !== undefined) throw invalidHost("The request has more than one Host header");
      host = raw[i + 1]!;
    } else if (action === TE && /(^|,)\s*trailers\s*($|;|,)/i.test(raw[i + 1]!))
      headers.push("te", "trailers");
    // Repeated, a traceparent is none any more; a tracestate is one list (RFC 9110 5.3).
    else if (action === TRACEPARENT) traceparent = traceparent === undefined ? raw[i + 1]! : "repeated";
    else if (action === TRACESTATE) {
      tracestate = tracestate === undefined ? raw[i + 1]! : `${tracestate},${raw[i + 1]}`;
    }
  }
  host = checkedHost(request, host, target.authority);
  if (host !== undefined) headers.push("host", host, "x-forwarded-host", host);
  // HTTP/1.0 needs none, HTTP/1.1 does.
  else headers.push("host", "localhost");
  pushForwarded(headers, request, host);
  headers.push("x-forwarded-prefix", `/fn/${target.name}`);
  return { fields: renderFields(headers), traceparent, tracestate };
}

/** What a Connection field lists beyond the usual words (undefined for the usual ones alone). */
export function connectionNames(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  const names = new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
  // The framing of the body and the host are not the client's to hide from us.
  for (const kept of ["host", "content-length", "close", "keep-alive", ""]) names.delete(kept);
  return names.size > 0 ? names : undefined;
}

/** True if a field of that name goes on to the instance as it came. `named` is what the Connection field lists. */
export function passes(name: string, named: ReadonlySet<string> | undefined): boolean {
  return actionOf(name, named) === PASS;
}

function actionOf(name: string, named: ReadonlySet<string> | undefined): number {
  const lower = name.toLowerCase();
  if (named?.has(lower) || lower.startsWith("x-skiff-")) return STRIP;
  return ACTIONS.get(lower) ?? PASS;
}

function checkedHost(request: RequestHead, host: string | undefined, authority: string | undefined) {
  if (host === undefined) {
    if (request.httpVersionMinor !== 0) throw invalidHost("The request has no Host header");
  } else if (!isHost(host)) throw invalidHost("The Host header is no host");
  if (authority === undefined) return host;
  if (!isHost(authority)) throw invalidHost("The target of the request names no host");
  return authority;
}

function pushForwarded(headers: string[], request: RequestHead, host: string | undefined): void {
  const { headers: given, socket } = request;
  let address = socket.remoteAddress ?? "unknown";
  if (address.startsWith("::ffff:")) address = address.slice(7);
  const before = given["x-forwarded-for"];
  headers.push("x-forwarded-for", before === undefined ? address : `${before}, ${address}`);
  const proto = (socket as TLSSocket).encrypted ? "https" : "http";
  headers.push("x-forwarded-proto", proto);
  // Only who uses RFC 7239 gets it: left as it came it would vouch for a client that we did not see.
  if (given.forwarded === undefined) return;
  const node = address.includes(":") ? `"[${address}]"` : address;
  const hostPart = host === undefined ? "" : `;host="${host}"`;
  headers.push("forwarded", `${given.forwarded}, for=${node}${hostPart};proto=${proto}`);
}

function invalidHost(what: string): Problem {
  return new Problem("invalid_request", `${what}; send exactly one, as "Host: name" or "Host: name:port".`);
}

/**
 * Renders fields as the lines of a message.
 * @param fields names and values in turn; without line breaks, because a parser has let them through
 */
export function renderFields(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}

/** The same text as one string of bytes: V8 keeps a sum of strings as a sum and adds it up at each use. */
export function inOnePiece(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

const PREFIX = "/fn/";
const SLASH = 47;
const QUESTION = 63;
const HOST_BYTES = 261;

/** Longest host name (RFC 1035) and port; what else may stand in a Host header changes the URL a function sees. */
const VALID_HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

/** Undefined if the target is not of the form /fn/NAME…, so that the name needs no checking of its own. */
export function parseTarget(url: string): Target | undefined {
  if (url.charCodeAt(0) === SLASH) return parsePath(url, undefined);
  const scheme = /^https?:\/\//i.exec(url);
  if (!scheme) return undefined;
  const start = scheme[0].length;
  const end = url.slice(start).search(/[/?#]/);
  const authority = end < 0 ? url.slice(start) : url.slice(start, start + end);
  const path = end < 0 ? "/" : url.slice(start + end);
  return path.charCodeAt(0) === SLASH ? parsePath(path, authority) : undefined;
}

/** True for every target which the router answers: `/fn`, `/fn?…` and all below `/fn/`, in both forms. */
export function isCallTarget(url: string): boolean {
  if (url.charCodeAt(0) === SLASH) return isBelowPrefix(url);
  const path = /^https?:\/\/[^/?#]*(\/.*)$/i.exec(url)?.[1];
  return path !== undefined && isBelowPrefix(path);
}

export function isHost(text: string): boolean {
  return text.length <= HOST_BYTES && VALID_HOST.test(text);
}

function isBelowPrefix(path: string): boolean {
  return path.startsWith(PREFIX) || path === "/fn" || path.startsWith("/fn?");
}

function parsePath(url: string, authority: string | undefined): Target | undefined {
  if (!url.startsWith(PREFIX)) return undefined;
  let end = PREFIX.length;
  let code = 0;
  for (; end < url.length; end++) {
    code = url.charCodeAt(end);
    if (code === SLASH || code === QUESTION) break;
  }
  const name = url.slice(PREFIX.length, end);
  if (end === url.length) return { name, path: "/", authority };
  return { name, path: code === SLASH ? url.slice(end) : `/${url.slice(end)}`, authority };
}
