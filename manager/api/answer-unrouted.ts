import type { Router } from "@koa/router";
import type { Middleware } from "koa";
import { Problem } from "../../platform/problems.ts";

const NEAREST = 3;

/** The last step: answers OPTIONS, methods that a path does not serve, and unknown paths. */
export function answerUnrouted(router: Router): Middleware {
  return (ctx) => {
    const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
    if (methods.size === 0) throw unknownRoute(router, ctx.method, ctx.path);
    const allow = [...methods, "OPTIONS"].sort().join(", ");
    ctx.set("allow", allow);
    ctx.status = 204;
    if (ctx.method === "OPTIONS") return;
    const detail = `${ctx.path.slice(0, 80)} answers ${allow}, not ${ctx.method}.`;
    throw new Problem("method_not_allowed", detail);
  };
}

function unknownRoute(router: Router, method: string, path: string): Problem {
  const byPath = Object.entries(Object.groupBy(router.stack, (layer) => String(layer.path)));
  const nearest = byPath
    .toSorted(([a], [b]) => likeness(b, path) - likeness(a, path))
    .slice(0, NEAREST)
    .map(([route, layers = []]) => {
      const methods = layers.flatMap((layer) => layer.methods.filter((each) => each !== "HEAD"));
      return `${methods.join("|")} ${route.replace(":name", "NAME")}`;
    });
  return new Problem(
    "unknown_route",
    `Nothing is served at ${method} ${path.slice(0, 80)}. Nearest: ${nearest.join(", ")}. Full list: /openapi.json.`,
  );
}

/** From 0 to 1: length of the common beginning in relation to the longer path. */
function likeness(a: string, b: string): number {
  let common = 0;
  while (common < a.length && a[common] === b[common]) common++;
  return common / Math.max(a.length, b.length);
}
