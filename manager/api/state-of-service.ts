import { Problem } from "../../platform/problems.ts";
import type { Handler, Services } from "./services.ts";

/** `GET /healthz`: the process lives. Says nothing about what it depends on, so that no probe kills it for that. */
export function answerHealth(): Handler {
  return (ctx) => {
    ctx.type = "text";
    ctx.body = "ok\n";
  };
}

/** `GET /readyz`: calls can be sent here. */
export function answerReadiness({ ready, closing }: Services): Handler {
  return (ctx) => {
    if (closing.aborted) throw drainingProblem();
    const reason = ready();
    if (reason !== undefined) {
      throw new Problem("not_ready", `Not ready yet: ${reason.replace(/\.$/, "")}.`, { retryAfterS: 1 });
    }
    ctx.type = "text";
    ctx.body = "ready\n";
  };
}

/** `GET /metrics` in the text format of Prometheus. */
export function answerMetrics({ metrics }: Services): Handler {
  return async (ctx) => {
    const text = await metrics();
    ctx.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
    ctx.body = text;
  };
}

export function drainingProblem(): Problem {
  return new Problem("draining", "Skiff is shutting down: try again in a moment.", { retryAfterS: 1 });
}
