import type { Router } from "@koa/router";
import type { Middleware } from "koa";
import { type Access, refusal } from "../../http/access/access.ts";
import { bearerFromBasic } from "../../http/access/basic.ts";
import type { Credentials } from "../../http/access/credentials.ts";
import { requireAllFunctions, requireFunction, requireScope } from "../../http/access/principal.ts";
import { clientAddress } from "../../http/client-address.ts";
import type { TrustedProxies } from "../../http/trusted-proxies.ts";
import { INTERNAL_KEY_ID } from "../../platform/keys/internal-key.ts";
import { includesScope } from "../../platform/keys/scopes.ts";
import { Problem } from "../../platform/problems.ts";
import { isGitPath } from "../api/git/git-request.ts";
import { ROUTE_RULES, type RouteRule, STRICTEST } from "./route-rules.ts";

/** Orchestrators probe without a token, and the answers are not secret. */
export function isProbe(path: string): boolean {
  return path === "/healthz" || path === "/readyz";
}

export interface GuardOptions {
  readonly access: Access;
  readonly credentials: Credentials;
  readonly router: Router;
  readonly proxies: TrustedProxies | undefined;
  /** Called with the id of each key that is used. */
  readonly keyUsed: (id: string) => void;
}

/**
 * Answers requests that are not allowed with 400, 401, 403 or 429. Sets `state.from`, `state.principal`, `state.by` and
 * `state.rule`, the rule of the route, as far as it gets.
 */
export function guardAccess({ access, credentials, router, proxies, keyUsed }: GuardOptions): Middleware {
  return async (ctx, next) => {
    const { method, headersDistinct } = ctx.req;
    const refused = refusal(access, { ...headersDistinct, method });
    if (refused !== undefined) throw new Problem(refused.code, refused.detail);
    if (isProbe(ctx.path)) return next();
    const address = clientAddress(ctx.req, proxies);
    ctx.state.from = address;
    const route = routeOf(router, ctx.method, ctx.path);
    if (route?.rule.scope === "signed") return credentials.attempt(address, next);
    const { authorization } = headersDistinct;
    const sent = isGitPath(ctx.path) ? { authorization: bearerFromBasic(authorization) } : { authorization };
    const principal = await credentials.identify(sent, address);
    ctx.state.principal = principal;
    ctx.state.by = principal.by;
    if (principal.keyId !== undefined && principal.keyId !== INTERNAL_KEY_ID) keyUsed(principal.keyId);
    if (route !== undefined) {
      const { rule, name, target } = route;
      ctx.state.rule = rule;
      ctx.state.audited = { target };
      const { scope, ownWith } = rule;
      const isForOwn = ownWith !== undefined && includesScope(principal.scopes, ownWith);
      // Requests with "signed" have left above, which the type of the rule does not know.
      if (scope !== "any" && scope !== "signed" && !isForOwn) requireScope(principal, scope);
      if (rule.over === "function") requireFunction(principal, name);
      if (rule.over === "all") requireAllFunctions(principal);
    }
    return next();
  };
}

interface Route {
  readonly rule: RouteRule;
  readonly name: string;
  /** What the request concerns, for the audit log: `hello`, `hello@3`, `key/kxm3q8zt2v`. */
  readonly target: string;
}

/** Undefined if no route serves the request: it gets 404 or 405, which say nothing that is secret. */
function routeOf(router: Router, method: string, path: string): Route | undefined {
  const layer = router.match(path, method).pathAndMethod.at(-1);
  if (layer === undefined) return undefined;
  const pattern = String(layer.path);
  const rule = ROUTE_RULES[`${method === "HEAD" ? "GET" : method} ${pattern}`] ?? STRICTEST;
  const { name = "", version, ...others } = layer.params(path, layer.captures(path));
  const isFunction = pattern.startsWith("/func");
  const named = [name, ...Object.values(others)].filter((part) => part !== "").join("/");
  const what = version === undefined ? named : `${named}@${version}`;
  return { rule, name, target: isFunction ? what : [pattern.split("/")[1], what].filter(Boolean).join("/") };
}
