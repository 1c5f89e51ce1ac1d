import { answerJson } from "../answer.ts";
import { awaitEnd, readWait } from "../calls/await-end.ts";
import { readParameters } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { runDocument } from "./run-document.ts";
import { hasEnded, requireRun } from "./visible-runs.ts";

/** `GET /flow/NAME/run/ID?wait=30s`: one run; with `wait` when it has ended, or after that time. */
export function describeRun(services: Services): Handler {
  return async (ctx) => {
    const { wait: waitMs } = readParameters(ctx, { wait: readWait });
    const read = () => requireRun(services, ctx, "read");
    const run = await awaitEnd(services, ctx, { waitMs, read, hasEnded });
    answerJson(ctx, runDocument(run));
  };
}
