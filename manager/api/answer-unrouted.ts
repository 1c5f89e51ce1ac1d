import type { Router } from "@koa/router";
import type { Middleware } from "koa";
import { Problem } from "../../platform/problems.ts";

const NEAREST = 3;

/** The last step: OPTIONS and methods that a path does not answer, and paths that nothing answers. */
export function answerUnrouted(router: Router): Middleware {
  return (ctx) => {
    const methods = new Set(router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods));
    if (methods.size === 0) throw unknownRoute(router, ctx.method, ctx.path);
    const allow = [...methods, "OPTIONS"].sort().join(", ");
    ctx.set("allow", allow);
    if (ctx.method !== "OPTIONS") {
      throw new Problem(
        "method_not_allowed",
        `${ctx.path.slice(0, 80)} answers ${allow}, not ${ctx.method}.`,
      );
    }
    ctx.status = 204;
  };
}

function unknownRoute(router: Router, method: string, path: string): Problem {
  const byPath = Object.groupBy(router.stack, (layer) => String(layer.path));
  const routes = Object.entries(byPath).map(([route, layers = []]) => {
    const methods = layers.flatMap((layer) => layer.methods.filter((each) => each !== "HEAD"));
    return {
      text: `${methods.join("|")} ${route.replace(":name", "NAME")}`,
      likeness: likeness(route, path),
    };
  });
  const nearest = routes.toSorted((a, b) => b.likeness - a.likeness).slice(0, NEAREST);
  return new Problem(
    "unknown_route",
    `Nothing is served at ${method} ${path.slice(0, 80)}. Nearest: ${nearest.map(({ text }) => text).join(", ")}; all of them: /openapi.json.`,
  );
}

/** From 0 to 1: how much of the longer one is the beginning of both. */
function likeness(a: string, b: string): number {
  let common = 0;
  while (common < a.length && a[common] === b[common]) common++;
  return common / Math.max(a.length, b.length);
}
