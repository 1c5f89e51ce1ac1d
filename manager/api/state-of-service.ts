import { draining, Problem } from "../../platform/problems.ts";
import { baseUrl, type Handler, type Services } from "./services.ts";

/** `GET /healthz`: the process runs. Dependencies do not count, so that no probe restarts the process for them. */
export const answerHealth: Handler = (ctx) => {
  ctx.body = "ok\n";
};

/** `GET /readyz`: the manager accepts calls. */
export function answerReadiness({ ready, closing }: Services): Handler {
  return (ctx) => {
    if (closing.aborted) throw draining();
    const reason = ready();
    if (reason !== undefined) {
      throw new Problem("not_ready", `Not ready yet: ${reason.replace(/\.$/, "")}.`, { retryAfterS: 1 });
    }
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

/** `GET /`: an introduction for people who open the address in a browser. */
export function answerWelcome(services: Services): Handler {
  return (ctx) => {
    const base = baseUrl(services, ctx);
    ctx.body = `This is Skiff: post TypeScript, get a URL.

Write hello.ts:

  export default () => "hello";

Deploy it and call it:

  curl --data-binary @hello.ts -X POST ${base}/func\\?name=hello
  curl ${base}/fn/hello

Then:

  curl ${base}/func                     list all functions
  curl ${base}/func/hello               one function: versions, settings, instances, errors
  curl ${base}/func/hello/logs          its output
  curl -X DELETE ${base}/func/hello     remove it
  curl ${base}/async/fn/hello -d hi     call it later, with retries
  curl ${base}/call                     asynchronous calls and what became of them
  curl ${base}/topic                    topics of events; see /subscription and /schedule as well

The whole API: ${base}/openapi.json
`;
  };
}
