import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import type { Router } from "@koa/router";
import type { Context, Middleware } from "koa";
import { ClientLeft } from "../../http/client-signal.ts";
import { Problem, problemDocument, problemHeaders, toProblem } from "../../platform/problems.ts";
import { GitFailed } from "../git/program/git.ts";
import { toGitProblem } from "../git/program/git-problem.ts";
import { GIT_CHALLENGE, gitAdvice, gitError, isGitPath } from "./git/git-request.ts";

/** Routes that the answer for an unknown path names. */
const NEAREST = 3;

/** Answers with one line of JSON. Its line end puts the next prompt of a shell on a line of its own. */
export function answerJson(ctx: Pick<Context, "type" | "body">, value: unknown): void {
  ctx.type = "json";
  ctx.body = `${JSON.stringify(value)}\n`;
}

/**
 * The outermost step: sets the call id and the fixed headers of every answer, and answers errors with problem
 * documents. The stack of an unexpected error is printed only.
 */
export function answerProblems(print: (line: string) => void): Middleware {
  return async (ctx, next) => {
    const callId = randomUUID();
    ctx.state.callId = callId;
    ctx.set({ "x-skiff-call-id": callId, "cache-control": "no-store", "x-content-type-options": "nosniff" });
    try {
      // A request in the form of a proxy (`GET http://host/`) names a second host besides `Host`.
      if (!ctx.req.url?.startsWith("/")) {
        throw new Problem("invalid_request", "The request target must be a path that starts with /.");
      }
      await next();
    } catch (error) {
      if (error instanceof ClientLeft) {
        ctx.respond = false;
        ctx.res.destroy();
        return;
      }
      if (!(error instanceof Problem)) print(`internal error in call ${callId}: ${inspect(error)}`);
      // Elsewhere a time limit is not that of git.
      const isOfGit = error instanceof GitFailed || ctx.path.startsWith("/git/");
      const problem = toProblem(isOfGit ? toGitProblem(error) : error);
      ctx.status = problem.status;
      if (isGitPath(ctx.path)) return answerGit(ctx, problem);
      ctx.body = `${JSON.stringify(problemDocument(problem, callId))}\n`;
      ctx.set(problemHeaders(problem, callId));
      // The rest of a body that missed its deadline would block the connection.
      if (problem.code === "request_timeout") ctx.set("connection", "close");
    }
  };
}

/** Answers git: an error of its protocol, or plain text with a challenge. */
function answerGit(ctx: Context, problem: Problem): void {
  const inProtocol = gitError(ctx.path, problem);
  if (inProtocol !== undefined) {
    ctx.status = 200;
    ctx.type = inProtocol.type;
    ctx.body = inProtocol.body;
    return;
  }
  ctx.type = "text/plain; charset=utf-8";
  ctx.body = `${gitAdvice(problem.detail, ctx)}\n`;
  const { retryAfterS } = problem.extensions;
  if (problem.status === 401) ctx.set("www-authenticate", GIT_CHALLENGE);
  if (retryAfterS !== undefined) ctx.set("retry-after", String(retryAfterS));
}

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
      return `${methods.join("|")} ${route.replaceAll(/:(\w+)/g, (_, name: string) => name.toUpperCase())}`;
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

/** Removes line breaks and control characters: text of users must not control the terminal. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").slice(0, 1_000);
}
