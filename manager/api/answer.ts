import { randomUUID } from "node:crypto";
import type { Context, Middleware } from "koa";
import { ClientLeft } from "../../http/client-signal.ts";
import { Problem, problemDocument, problemHeaders, toProblem } from "../../platform/problems.ts";

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
      if (!(error instanceof Problem)) print(`internal error in call ${callId}: ${stackOf(error)}`);
      const problem = toProblem(error);
      ctx.status = problem.status;
      ctx.body = `${JSON.stringify(problemDocument(problem, callId))}\n`;
      ctx.set(problemHeaders(problem, callId));
      // The rest of a body that missed its deadline would block the connection.
      if (problem.code === "request_timeout") ctx.set("connection", "close");
    }
  };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : `thrown value ${String(error)}`;
}

/** Removes line breaks and control characters: text of users must not control the terminal. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").slice(0, 1_000);
}
