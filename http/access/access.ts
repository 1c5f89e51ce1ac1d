import { isLoopbackHost, parseHost } from "./host.ts";

/** The access rule of the management API. */
export type Access =
  /** All clients of the loopback interface, but no web page. */
  | { readonly mode: "loopback" }
  /** Clients with the token. With `loopback` the checks against web pages apply as well. */
  | TokenAccess
  /** All clients, but no web page. */
  | { readonly mode: "open" };

export interface TokenAccess {
  readonly mode: "token";
  /** SHA-256 of the token in hex. */
  readonly tokenHash: string;
  /** Says where the operator finds the token, as a sentence. */
  readonly whereabouts: string;
  readonly loopback?: boolean;
}

/** The parts of a request that access depends on. Headers are lists of their occurrences. */
export interface Visitor {
  readonly method?: string | undefined;
  readonly host?: readonly string[] | undefined;
  readonly origin?: readonly string[] | undefined;
  readonly "sec-fetch-site"?: readonly string[] | undefined;
  readonly authorization?: readonly string[] | undefined;
  readonly forwarded?: readonly string[] | undefined;
  readonly via?: readonly string[] | undefined;
  readonly "x-forwarded-for"?: readonly string[] | undefined;
  readonly "x-forwarded-host"?: readonly string[] | undefined;
  readonly "x-forwarded-proto"?: readonly string[] | undefined;
  readonly "x-real-ip"?: readonly string[] | undefined;
}

export interface Refusal {
  readonly code: "forbidden" | "invalid_request";
  readonly detail: string;
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Returns why a request is refused whoever it is from, or undefined if it is allowed. */
export function refusal(access: Access, visitor: Visitor): Refusal | undefined {
  if (access.mode !== "token") {
    const isLoopback = access.mode === "loopback";
    const refused = refuseHost(visitor, isLoopback) ?? (isLoopback ? refuseProxy(visitor) : undefined);
    return refused ?? refuseAnyPage(visitor);
  }
  const { loopback = false } = access;
  return refuseHost(visitor, loopback) ?? refuseForeignPage(visitor, loopback);
}

/** Prevents DNS rebinding: an attacker can make DNS resolve a name to 127.0.0.1. */
function refuseHost({ host: hosts = [] }: Visitor, isLoopback: boolean): Refusal | undefined {
  const host = hosts.length === 1 ? parseHost(hosts[0]!) : undefined;
  if (isLoopback ? host !== undefined && isLoopbackHost(host) : host !== undefined) return undefined;
  if (!isLoopback) {
    return { code: "invalid_request", detail: "Send exactly one Host header with a host and a port." };
  }
  return {
    code: "forbidden",
    detail:
      "The management API listens on loopback and accepts one Host with a loopback name: use http://localhost or http://127.0.0.1 with its port.",
  };
}

/** A proxy connects from loopback too, and its clients may be anywhere. */
function refuseProxy(visitor: Visitor): Refusal | undefined {
  const fields = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
  ] as const;
  const found = fields.find((field) => (visitor[field]?.length ?? 0) > 0);
  if (found === undefined) return undefined;
  return {
    code: "forbidden",
    detail: `Without a token the management API answers programs of this machine alone, and the header ${found} shows a proxy: set SKIFF_TOKEN.`,
  };
}

/**
 * Browsers send `Origin` and `Sec-Fetch-Site`, other clients send neither; `none` is an address typed in. Without a
 * token the own origin is refused as well: functions serve pages there, which could deploy and delete.
 */
function refuseAnyPage({ origin = [], "sec-fetch-site": sites = [] }: Visitor): Refusal | undefined {
  if (origin.length === 0 && sites.every((site) => site === "none")) return undefined;
  return {
    code: "forbidden",
    detail: "Without a token the management API does not answer web pages: call it from a program.",
  };
}

/** Allows a page of the own origin, which needs the token. */
function refuseForeignPage(visitor: Visitor, isLoopback: boolean): Refusal | undefined {
  const { method = "GET", host = [], origin: origins = [], "sec-fetch-site": sites = [] } = visitor;
  if (!isLoopback && SAFE_METHODS.has(method)) return undefined;
  const isForeign =
    sites.some((site) => site !== "none" && site !== "same-origin") ||
    origins.length > 1 ||
    origins.some((origin) => !isSameOrigin(origin, host[0]!, isLoopback));
  if (!isForeign) return undefined;
  return {
    code: "forbidden",
    detail: "The management API does not answer web pages of another origin: call it from a program.",
  };
}

/** Accepts both schemes except on loopback, because a proxy may terminate TLS. */
function isSameOrigin(origin: string, host: string, isLoopback: boolean): boolean {
  const schemes = isLoopback ? ["http"] : ["http", "https"];
  const own = schemes.map((scheme) => URL.parse(`${scheme}://${host}`)?.origin);
  const other = URL.parse(origin)?.origin;
  return other !== undefined && own.includes(other);
}
