import type { Router } from "@koa/router";
import type { Middleware } from "koa";
import { Problem } from "../../platform/problems.ts";
import { type Access, refusal } from "./access.ts";
import type { Credentials } from "./credentials.ts";
import { requireAllFunctions, requireFunction, requireScope } from "./principal.ts";
import { ROUTE_RULES, type RouteRule, STRICTEST } from "./route-rules.ts";

/** Orchestrators probe without a token, and the answers are not secret. */
export function isProbe(path: string): boolean {
  return path === "/healthz" || path === "/readyz";
}

export interface GuardOptions {
  readonly access: Access;
  readonly credentials: Credentials;
  readonly router: Router;
  /** Called with the id of each key that is used. */
  readonly keyUsed: (id: string) => void;
}

/**
 * Answers requests that are not allowed with 400, 401 or 403. For the others it sets `state.principal`, `state.by` and
 * `state.rule`, the rule of their route.
 */
export function guardAccess({ access, credentials, router, keyUsed }: GuardOptions): Middleware {
  return async (ctx, next) => {
    const { method, headersDistinct } = ctx.req;
    const refused = refusal(access, { ...headersDistinct, method });
    if (refused !== undefined) throw new Problem(refused.code, refused.detail);
    if (isProbe(ctx.path)) return next();
    const principal = await credentials.identify(headersDistinct);
    ctx.state.principal = principal;
    ctx.state.by = principal.by;
    if (principal.keyId !== undefined) keyUsed(principal.keyId);
    const route = routeOf(router, ctx.method, ctx.path);
    if (route !== undefined) {
      const { rule, name } = route;
      ctx.state.rule = rule;
      if (rule.scope !== "any") requireScope(principal, rule.scope);
      if (rule.over === "function") requireFunction(principal, name);
      if (rule.over === "all") requireAllFunctions(principal);
    }
    return next();
  };
}

/** Undefined if no route serves the request: it gets 404 or 405, which say nothing that is secret. */
function routeOf(
  router: Router,
  method: string,
  path: string,
): { rule: RouteRule; name: string } | undefined {
  const layer = router.match(path, method).pathAndMethod.at(-1);
  if (layer === undefined) return undefined;
  const rule = ROUTE_RULES[`${method === "HEAD" ? "GET" : method} ${String(layer.path)}`] ?? STRICTEST;
  const { name = "" } = layer.params(path, layer.captures(path));
  return { rule, name };
}
