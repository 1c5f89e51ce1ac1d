import type { TLSSocket } from "node:tls";
import { type ClientOrigin, readOrigin } from "../../http/client-origin.ts";
import { connectionNames, WITHHELD_FIELDS } from "../../http/fields.ts";
import { bearerOf, hidesKey, keyIdOf } from "../../platform/keys/key-text.ts";
import { Problem } from "../../platform/problems.ts";
import { functionAtHost, targetAtHost } from "./function-hosts.ts";
import type { Ingress, PreparedRequest, RequestHead, Target } from "./request.ts";

const [PASS, STRIP, HOST, TE, TRACEPARENT, TRACESTATE, AUTHORIZATION, KEY] = [
  0, 1, 2, 3, 4, 5, 6, 7,
] as const;

/**
 * Actions by field name. Names that pass are listed only where they are common, in the two usual spellings,
 * so that they need no lower-casing.
 */
const ACTIONS: ReadonlyMap<string, number> = new Map(
  (
    [
      [PASS, "Accept Accept-Encoding Accept-Language Cache-Control Content-Length"],
      [PASS, "Content-Type Cookie Origin Referer User-Agent"],
      [STRIP, WITHHELD_FIELDS.join(" ")],
      [HOST, "Host"],
      [TE, "TE"],
      [TRACEPARENT, "Traceparent"],
      [TRACESTATE, "Tracestate"],
      [AUTHORIZATION, "Authorization"],
      [KEY, "X-Skiff-Key"],
    ] as const
  ).flatMap(([action, names]) =>
    `${names} ${names.toLowerCase()}`.split(" ").map((name) => [name, action] as const),
  ),
);

export function prepare(head: RequestHead, ingress: Ingress): PreparedRequest {
  const { proxies, hosts } = ingress;
  const origin = proxies === undefined ? undefined : readOrigin(head, proxies);
  const scheme = origin?.scheme ?? schemeOf(head);
  const client = origin === undefined ? undefined : { address: origin.address, scheme };
  const named = hosts.byName.size === 0 ? undefined : functionAtHost(head, origin, hosts);
  const target =
    named === undefined || isOfSkiff(head, ingress) ? parseTarget(head.url!) : targetAtHost(named, head.url!);
  const nothing = { text: "", key: undefined, traceparent: undefined, tracestate: undefined };
  if (target === undefined) return { head, target, problem: undefined, ...nothing, client };
  try {
    const { fields, host, key, traceparent, tracestate } = forwardedFields(head, { target, origin, scheme });
    // Deno takes the scheme of `request.url` from the absolute form of a target (RFC 9112 3.2.2).
    const base = scheme === "http" || host === undefined ? "" : `${scheme}://${host}`;
    const text = `${head.method} ${base}${target.path} HTTP/1.1\r\n${fields}`;
    return { head, target, problem: undefined, text, key, traceparent, tracestate, client };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { head, target, problem: error, ...nothing, client };
  }
}

interface Route {
  readonly target: Target;
  readonly origin: ClientOrigin | undefined;
  readonly scheme: string;
}

/**
 * Renders the header fields of a call for the instance, in one pass: drops hop-by-hop fields (RFC 9110 7.6.1)
 * the client's own `x-skiff-*` and its key, and adds the origin of the call.
 * @throws Problem `invalid_request` if the host is missing, repeated or not valid
 */
function forwardedFields(request: RequestHead, route: Route) {
  const { target, origin, scheme } = route;
  const raw = request.rawHeaders;
  const named = connectionNames(request.headers.connection);
  const headers: string[] = [];
  let host: string | undefined;
  let key: string | undefined;
  let traceparent: string | undefined;
  let tracestate: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    let action = ACTIONS.get(name);
    if (action === undefined || named !== undefined) action = actionOf(name, named);
    if (action === PASS) headers.push(name, raw[i + 1]!);
    else if (action === AUTHORIZATION || action === KEY) {
      const text = keyIn(raw[i + 1]!, action);
      // A credential for the function itself.
      if (text === undefined && action === AUTHORIZATION && !hidesKey(raw[i + 1]!)) {
        headers.push(name, raw[i + 1]!);
      }
      // A caller that sends both means the first for Skiff and the second for the function.
      if (action === KEY) key = text ?? key;
      else key ??= text;
    } else if (action === HOST) {
      if (host !== undefined) throw invalidHost("The request has more than one Host header");
      host = raw[i + 1]!;
    } else if (action === TE && /(^|,)\s*trailers\s*($|;|,)/i.test(raw[i + 1]!))
      headers.push("te", "trailers");
    // A repeated traceparent is not valid; repeated tracestates are one list (RFC 9110 5.3).
    else if (action === TRACEPARENT) traceparent = traceparent === undefined ? raw[i + 1]! : "repeated";
    else if (action === TRACESTATE) {
      tracestate = tracestate === undefined ? raw[i + 1]! : `${tracestate},${raw[i + 1]}`;
    }
  }
  host = publicHost(checkedHost(request, host, target.authority), origin);
  if (host !== undefined) headers.push("host", host, "x-forwarded-host", host);
  // HTTP/1.0 has no Host, HTTP/1.1 requires one.
  else headers.push("host", "localhost");
  pushForwarded(headers, request, { host, origin, scheme });
  const prefix = origin === undefined ? target.prefix : origin.prefix + target.prefix;
  if (prefix !== "") headers.push("x-forwarded-prefix", prefix);
  return { fields: renderFields(headers), host, key, traceparent, tracestate };
}

/** Returns the text of the key in an `Authorization` or `X-Skiff-Key`; undefined if there is none of Skiff's form. */
function keyIn(value: string, action: typeof AUTHORIZATION | typeof KEY): string | undefined {
  const text = action === KEY ? value : bearerOf(value);
  return text !== undefined && keyIdOf(text) !== undefined ? text : undefined;
}

/** Returns whether a field is forwarded unchanged. `named` are the names that the Connection field lists. */
export function passes(name: string, named: ReadonlySet<string> | undefined): boolean {
  return actionOf(name, named) === PASS;
}

function actionOf(name: string, named: ReadonlySet<string> | undefined): number {
  const lower = name.toLowerCase();
  if (named?.has(lower)) return STRIP;
  return ACTIONS.get(lower) ?? (lower.startsWith("x-skiff-") ? STRIP : PASS);
}

function checkedHost(request: RequestHead, host: string | undefined, authority: string | undefined) {
  if (host === undefined) {
    if (request.httpVersionMinor !== 0) throw invalidHost("The request has no Host header");
  } else if (!isHost(host)) throw invalidHost("The Host header is not a valid host");
  if (authority === undefined) return host;
  if (!isHost(authority)) throw invalidHost("The host in the request target is not valid");
  return authority;
}

/** Returns the host that the client used, as far as a trusted proxy says so. */
function publicHost(host: string | undefined, origin: ClientOrigin | undefined): string | undefined {
  if (origin === undefined) return host;
  const named = origin.host !== undefined && isHost(origin.host) ? origin.host : host;
  const { port } = origin;
  return port === undefined || named === undefined || /:\d+$/.test(named) ? named : `${named}:${port}`;
}

interface Connected extends Omit<Route, "target"> {
  readonly host: string | undefined;
}

function pushForwarded(headers: string[], request: RequestHead, { host, origin, scheme }: Connected): void {
  const { headers: given, socket } = request;
  let address = origin?.address ?? socket.remoteAddress ?? "unknown";
  if (address.startsWith("::ffff:")) address = address.slice(7);
  const before = origin === undefined ? given["x-forwarded-for"] : origin.forBefore;
  headers.push("x-forwarded-for", before === undefined ? address : `${before}, ${address}`);
  headers.push("x-forwarded-proto", scheme);
  if (origin?.port !== undefined) headers.push("x-forwarded-port", origin.port);
  // Extended only if the client sent it (RFC 7239): unchanged it would vouch for an unknown client.
  if (given.forwarded === undefined) return;
  const node = address.includes(":") ? `"[${address}]"` : address;
  const hostPart = host === undefined ? "" : `;host="${host}"`;
  const elements = origin === undefined ? given.forwarded : origin.forwardedBefore;
  const listed = elements === undefined ? "" : `${elements}, `;
  headers.push("forwarded", `${listed}for=${node}${hostPart};proto=${scheme}`);
}

function schemeOf({ socket }: RequestHead): "http" | "https" {
  return (socket as TLSSocket).encrypted ? "https" : "http";
}

function invalidHost(what: string): Problem {
  return new Problem("invalid_request", `${what}: send exactly one, as "Host: name" or "Host: name:port".`);
}

/**
 * Text and parts of a body up to this size in all are written in one string, because Node copies such a string to its
 * stack: one buffer, one system call.
 */
export const TEXT_BYTES = 16 * 1024;

/**
 * Renders fields as the lines of a message.
 * @param fields names and values in turn, without line breaks: a parser has checked them
 */
export function renderFields(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return text;
}

/** Returns the same text as a flat string: V8 keeps a concatenation as a tree and flattens it at each use. */
export function flat(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

const PREFIX = "/fn/";
/** Authority and path of an absolute-form target. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;
const [SLASH, QUESTION, AT] = [47, 63, 64];
/** Longest host name (RFC 1035) and port. */
const HOST_BYTES = 261;
/** Anything else in a Host header changes the URL that a function gets. */
const VALID_HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?$/;

export function isHost(text: string): boolean {
  return text.length <= HOST_BYTES && VALID_HOST.test(text);
}

/** Returns whether the router answers this target: `/fn`, `/fn?…` and all below `/fn/`, in both forms. */
export function isCallTarget(url: string): boolean {
  const path = url.charCodeAt(0) === SLASH ? url : ABSOLUTE.exec(url)?.[2];
  return path !== undefined && (path.startsWith(PREFIX) || path === "/fn" || path.startsWith("/fn?"));
}

/** Returns whether the router answers a request: below `/fn`, or at a host name of a function. */
export function isCall(head: RequestHead, { proxies, hosts }: Ingress): boolean {
  if (isCallTarget(head.url!)) return true;
  if (hosts.byName.size === 0) return false;
  const origin = proxies === undefined ? undefined : readOrigin(head, proxies);
  return functionAtHost(head, origin, hosts) !== undefined;
}

/**
 * Returns whether Skiff itself sent a request. Its host is that of the client whose call waited, and must not lead to
 * another function.
 */
function isOfSkiff({ rawHeaders }: RequestHead, { isOwn }: Ingress): boolean {
  if (isOwn === undefined) return false;
  return rawHeaders.some(
    (value, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === "x-skiff-key" && isOwn(value),
  );
}

/** Returns undefined if the target is not of the form /fn/NAME…; the name is not checked. */
export function parseTarget(url: string): Target | undefined {
  const absolute = url.charCodeAt(0) === SLASH ? undefined : ABSOLUTE.exec(url);
  if (absolute === null) return undefined;
  const authority = absolute?.[1];
  const path = absolute === undefined ? url : absolute[2]!;
  if (!path.startsWith(PREFIX)) return undefined;
  let end = PREFIX.length;
  let at = -1;
  let code = 0;
  for (; end < path.length; end++) {
    code = path.charCodeAt(end);
    if (code === SLASH || code === QUESTION) break;
    if (code === AT && at < 0) at = end;
  }
  const name = path.slice(PREFIX.length, at < 0 ? end : at);
  const version = at < 0 ? undefined : versionIn(path.slice(at + 1, end));
  const prefix = path.slice(0, end);
  if (end === path.length) return { name, version, path: "/", prefix, authority };
  const rest = code === SLASH ? path.slice(end) : `/${path.slice(end)}`;
  return { name, version, path: rest, prefix, authority };
}

function versionIn(text: string): number {
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : 0;
}
