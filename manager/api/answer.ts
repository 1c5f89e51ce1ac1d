import { randomUUID } from "node:crypto";
import type { Context, Middleware } from "koa";
import { ClientLeft } from "../../http/client-signal.ts";
import { Problem, problemDocument, problemHeaders, toProblem } from "../../platform/problems.ts";

/** JSON in one line that ends, so that the next prompt of a shell stands on its own. */
export function answerJson(ctx: Pick<Context, "type" | "body">, value: unknown): void {
  ctx.type = "json";
  ctx.body = `${JSON.stringify(value)}\n`;
}

/**
 * The outermost step: gives every request its call id and every answer its fixed headers, and turns what
 * is thrown into a problem document. The stack of a failure that nobody expected goes to `print` alone.
 */
export function answerProblems(print: (line: string) => void): Middleware {
  return async (ctx, next) => {
    const callId = randomUUID();
    ctx.state.callId = callId;
    ctx.set({ "x-skiff-call-id": callId, "cache-control": "no-store", "x-content-type-options": "nosniff" });
    try {
      checkTarget(ctx.req.url);
      await next();
    } catch (error) {
      if (error instanceof ClientLeft) {
        ctx.respond = false;
        ctx.res.destroy();
        return;
      }
      if (!(error instanceof Problem)) print(`internal error in call ${callId}: ${stackOf(error)}`);
      answerProblem(ctx, toProblem(error));
    }
  };
}

function answerProblem(ctx: Context, problem: Problem): void {
  ctx.status = problem.status;
  ctx.body = `${JSON.stringify(problemDocument(problem, ctx.state.callId))}\n`;
  ctx.set(problemHeaders(problem, ctx.state.callId));
  // The rest of a body that came too late will not come now: the connection is of no more use.
  if (problem.code === "request_timeout") ctx.set("connection", "close");
}

/** A proxy's form of a request (`GET http://host/`) names a second host; there is one, in `Host`. */
function checkTarget(target: string | undefined): void {
  if (target?.startsWith("/")) return;
  throw new Problem("invalid_request", "The request target must be a path that starts with /.");
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : `thrown value ${String(error)}`;
}
