import { plainAddress, type TrustedProxies } from "./trusted-proxies.ts";

/** The parts of a request that name its client. */
export interface ForwardedHead {
  readonly headers: {
    readonly forwarded?: string | string[] | undefined;
    readonly "x-forwarded-for"?: string | string[] | undefined;
    readonly "x-forwarded-host"?: string | string[] | undefined;
    readonly "x-forwarded-port"?: string | string[] | undefined;
    readonly "x-forwarded-prefix"?: string | string[] | undefined;
    readonly "x-forwarded-proto"?: string | string[] | undefined;
  };
  readonly socket: { readonly remoteAddress?: string | undefined };
}

/** The client of a call and the URL that it used, according to the trusted proxies between it and Skiff. */
export interface ClientOrigin {
  readonly address: string;
  /** Undefined if no proxy names it: that of the connection holds. */
  readonly scheme: "http" | "https" | undefined;
  /** Not checked. Undefined if no proxy names it: the `Host` of the request holds. */
  readonly host: string | undefined;
  /** Undefined if no proxy names it, or if it is 80 or 443. */
  readonly port: string | undefined;
  /** The path that the proxies removed: empty, or `/…` without a slash at its end. */
  readonly prefix: string;
  /** The unverified entries of `X-Forwarded-For` before that of the client. */
  readonly forBefore: string | undefined;
  /** The same elements of `Forwarded`. */
  readonly forwardedBefore: string | undefined;
}

/** Traefik writes the scheme of a WebSocket. */
const SCHEMES: ReadonlyMap<string, ClientOrigin["scheme"]> = new Map([
  ["http", "http"],
  ["https", "https"],
  ["ws", "http"],
  ["wss", "https"],
]);
/** No empty segments: `//host` in a link is another host. */
const PREFIX = /^(?:\/[A-Za-z0-9\-._~!$&'()*+;=:@%]+)+\/?$/;
/** Address and port of a node (RFC 7239 6). Proxies write the same forms into X-Forwarded-For. */
const NODE = /^(?:\[([^[\]]+)\]|([^:]+))(?::[\w.-]+)?$/;
/** One parameter of an element (RFC 7239 4). A value with a colon should be quoted, and often is not. */
const PARAMETER = /([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~:[\]-]+))\s*(?:;\s*|$)/gy;

/**
 * Reads where a request came from. `X-Forwarded-For`, `-Host` and `-Proto` win over `Forwarded`: most proxies
 * set the former and pass on a `Forwarded` that the client made up.
 * @returns undefined if the peer of the connection is not a trusted proxy
 */
export function readOrigin(
  { headers, socket }: ForwardedHead,
  proxies: TrustedProxies,
): ClientOrigin | undefined {
  const peer = plainAddress(socket.remoteAddress ?? "");
  if (peer === undefined || !proxies.has(peer)) return undefined;
  const lists = (["for", "host", "proto", "port"] as const).map((name) =>
    listOf(headers[`x-forwarded-${name}`], splitAtCommas),
  );
  const [nodes, hosts, schemes, ports] = lists as [string[], string[], string[], string[]];
  const elements = listOf(headers.forwarded, splitElements);
  const prefix = String(headers["x-forwarded-prefix"] ?? "");
  const common = { prefix: PREFIX.test(prefix) ? prefix.replace(/\/$/, "") : "" };
  if (nodes.length + hosts.length + schemes.length === 0 && elements.length > 0) {
    const fields = elements.map(parseElement);
    const { address, index, hops } = walkBack(
      peer,
      fields.map((element) => element.for ?? ""),
      proxies,
    );
    const { proto, host } = atHop(fields, hops)!;
    const forwardedBefore = joined(elements.slice(0, index));
    const rest = { host, port: undefined, forBefore: undefined, forwardedBefore };
    return { ...common, address, scheme: SCHEMES.get(proto?.toLowerCase() ?? ""), ...rest };
  }
  const { address, index, hops } = walkBack(peer, nodes, proxies);
  return {
    ...common,
    address,
    scheme: SCHEMES.get(atHop(schemes, hops)?.toLowerCase() ?? ""),
    host: atHop(hosts, hops),
    port: portOf(atHop(ports, hops)),
    forBefore: joined(nodes.slice(0, index)),
    forwardedBefore: joined(elements),
  };
}

/**
 * Walks from the connection towards the client, as long as the addresses are those of trusted proxies. An entry
 * that is not an address ends the walk. `index` is that of the client's entry, or the number of entries if it has
 * none. `hops` counts the proxies.
 */
function walkBack(peer: string, nodes: readonly string[], proxies: TrustedProxies) {
  let address = peer;
  let index = nodes.length;
  while (index > 0 && proxies.has(address)) {
    const next = nodeAddress(nodes[index - 1]!);
    if (next === undefined) break;
    address = next;
    index--;
  }
  return { address, index, hops: Math.max(1, nodes.length - index) };
}

/** Returns the entry of the proxy next to the client. Each of `hops` proxies appends one, or replaces all. */
function atHop<T>(entries: readonly T[], hops: number): T | undefined {
  return entries.at(-hops) ?? entries[0];
}

function nodeAddress(node: string): string | undefined {
  const [, bracketed, bare] = NODE.exec(node) ?? [];
  return plainAddress(bracketed ?? bare ?? node);
}

/** 80 and 443 are mostly the port of an inner proxy, and say nothing that the scheme does not. */
function portOf(text = ""): string | undefined {
  const isPort = /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
  return isPort && text !== "80" && text !== "443" ? text : undefined;
}

function listOf(field: string | string[] | undefined, split: (text: string) => string[]): string[] {
  const entries = field === undefined ? [] : split(String(field));
  return entries.map((entry) => entry.trim()).filter((entry) => entry !== "");
}

function joined(entries: readonly string[]): string | undefined {
  return entries.length === 0 ? undefined : entries.join(", ");
}

function splitAtCommas(text: string): string[] {
  return text.split(",");
}

/** Splits at commas outside of quotes, from the end: a quote that a client left open spoils its own part only. */
function splitElements(text: string): string[] {
  const elements: string[] = [];
  let end = text.length;
  let isQuoted = false;
  for (let at = text.length - 1; at >= 0; at--) {
    if (text[at] === '"' && text[at - 1] !== "\\") isQuoted = !isQuoted;
    else if (text[at] === "," && !isQuoted) {
      elements.push(text.slice(at + 1, end));
      end = at;
    }
  }
  return [...elements, text.slice(0, end)].reverse();
}

/** Returns nothing for an element that is not valid. */
function parseElement(text: string): { for?: string; host?: string; proto?: string } {
  const matches = [...text.matchAll(PARAMETER)];
  const fields = new Map(
    matches.map(([, name = "", quoted, token = ""]) => [
      name.toLowerCase(),
      quoted?.replaceAll(/\\(.)/g, "$1") ?? token,
    ]),
  );
  const isWhole = matches.reduce((length, [match]) => length + match.length, 0) === text.length;
  // A parameter occurs once in an element.
  return isWhole && fields.size === matches.length ? Object.fromEntries(fields) : {};
}
