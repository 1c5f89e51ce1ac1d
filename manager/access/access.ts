import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Middleware } from "koa";
import { Problem } from "../../platform/problems.ts";
import { isLoopbackName, parseHost } from "./host-name.ts";

/** Who may use the management API. */
export type Access =
  /** Whoever reaches the loopback interface, but no web page. */
  | { readonly mode: "loopback" }
  /** Who has the token; with `loopback`, the checks against web pages hold as well. */
  | { readonly mode: "token"; readonly tokenHash: string; readonly loopback?: boolean }
  /** Everybody, because somebody said so, but no web page. */
  | { readonly mode: "open" };

/** The parts of a request that access depends on. Every header in the list of its occurrences. */
export interface Visitor {
  readonly method: string;
  readonly path: string;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly fetchSites: readonly string[];
  readonly authorizations: readonly string[];
}

export interface Refusal {
  readonly code: "forbidden" | "unauthorized" | "invalid_request";
  readonly detail: string;
  /** Value of `WWW-Authenticate` (RFC 6750). */
  readonly challenge?: string;
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** Probes of an orchestrator carry no token, and what they learn is no secret. */
const PROBES = new Set(["/healthz", "/readyz"]);

/** Undefined if the visitor may pass. */
export function refusal(access: Access, visitor: Visitor): Refusal | undefined {
  const strict = access.mode === "loopback" || (access.mode === "token" && access.loopback === true);
  return (
    refuseHost(visitor, strict) ??
    (access.mode === "token" ? refuseForeignPage(visitor, strict) : refuseAnyPage(visitor)) ??
    (access.mode === "token" && !PROBES.has(visitor.path)
      ? refuseToken(visitor, access.tokenHash)
      : undefined)
  );
}

/** Koa middleware that lets pass who may; the rest gets 401, 403 or 400. */
export function guardAccess(access: Access): Middleware {
  return async (ctx, next) => {
    const refused = refusal(access, visitorOf(ctx.req, ctx.path));
    if (refused === undefined) return next();
    if (refused.challenge !== undefined) ctx.set("www-authenticate", refused.challenge);
    throw new Problem(refused.code, refused.detail);
  };
}

function visitorOf(request: IncomingMessage, path: string): Visitor {
  const { host, origin, authorization, "sec-fetch-site": fetchSite } = request.headersDistinct;
  return {
    method: request.method ?? "GET",
    path,
    hosts: host ?? [],
    origins: origin ?? [],
    fetchSites: fetchSite ?? [],
    authorizations: authorization ?? [],
  };
}

/** A name that DNS can point at 127.0.0.1 must not be served: that is what DNS rebinding does. */
function refuseHost({ hosts }: Visitor, strict: boolean): Refusal | undefined {
  const host = hosts.length === 1 ? parseHost(hosts[0]!) : undefined;
  if (host === undefined && !strict) {
    return { code: "invalid_request", detail: "Send exactly one Host header with a host and a port." };
  }
  if (!strict || (host !== undefined && isLoopbackName(host.name))) return undefined;
  return {
    code: "forbidden",
    detail:
      "The management API listens on loopback and answers only to one Host that is a loopback name: use http://localhost or http://127.0.0.1 with its port.",
  };
}

/**
 * A browser tells with `Origin` and `Sec-Fetch-Site` which page it asks for; other clients send neither.
 * Where no token is asked for, the own origin is no better than a foreign one: functions serve pages there,
 * and what such a page can reach would be theirs to deploy and delete. `none` is an address typed in.
 */
function refuseAnyPage({ origins, fetchSites }: Visitor): Refusal | undefined {
  if (origins.length === 0 && fetchSites.every((site) => site === "none")) return undefined;
  return {
    code: "forbidden",
    detail: "Without a token the management API does not answer web pages: call it from a program.",
  };
}

/** With a token a page of the own origin may ask, if somebody gave it the token. */
function refuseForeignPage(visitor: Visitor, strict: boolean): Refusal | undefined {
  if (!strict && SAFE_METHODS.has(visitor.method)) return undefined;
  const foreignSite = visitor.fetchSites.some((site) => site !== "none" && site !== "same-origin");
  const foreignOrigin =
    visitor.origins.length > 1 ||
    visitor.origins.some((origin) => !isSameOrigin(origin, visitor.hosts[0]!, strict));
  if (!foreignSite && !foreignOrigin) return undefined;
  return {
    code: "forbidden",
    detail: "The management API does not answer web pages of another origin: call it from a program.",
  };
}

/** Elsewhere than on loopback TLS may end before Skiff, so that both schemes are its own there. */
function isSameOrigin(origin: string, host: string, strict: boolean): boolean {
  const schemes = strict ? ["http"] : ["http", "https"];
  return schemes.some((scheme) => {
    const own = URL.parse(`${scheme}://${host}`)?.origin;
    return own !== undefined && own === URL.parse(origin)?.origin;
  });
}

function refuseToken({ authorizations }: Visitor, tokenHash: string): Refusal | undefined {
  const how = "send the header Authorization: Bearer TOKEN, with the token shown at the first start.";
  if (authorizations.length === 0) {
    return { code: "unauthorized", detail: `No token was sent: ${how}`, challenge: 'Bearer realm="skiff"' };
  }
  const token =
    authorizations.length === 1
      ? /^bearer +([-A-Za-z0-9._~+/]+=*)$/i.exec(authorizations[0]!)?.[1]
      : undefined;
  if (token === undefined) {
    const challenge = 'Bearer realm="skiff", error="invalid_request"';
    return { code: "unauthorized", detail: `The Authorization header cannot be read: ${how}`, challenge };
  }
  // Comparing hashes of equal length keeps the time independent of the token.
  const given = createHash("sha256").update(token).digest();
  if (timingSafeEqual(given, Buffer.from(tokenHash, "hex"))) return undefined;
  const challenge = 'Bearer realm="skiff", error="invalid_token"';
  return { code: "unauthorized", detail: `The token is not the right one: ${how}`, challenge };
}
