import type { CallHead } from "../../../store/call.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { awaitEnd, readWait } from "./await-end.ts";
import { callDocument } from "./call-document.ts";
import { readCallQuery } from "./call-query.ts";
import { requireCall } from "./visible-calls.ts";

/** `GET /call`: a page of calls, newest first. */
export function listCalls(services: Services): Handler {
  return async (ctx) => {
    const calls = requirePart(services, "calls");
    const { filters, limit, cursor: after } = await readCallQuery(services, ctx, "read");
    const pages = await Promise.all(
      filters.map((filter) => calls.list({ ...filter, after, limit: limit + 1 })),
    );
    const found = pages.flat().sort((a, b) => (a.id < b.id ? 1 : -1));
    const page = found.slice(0, limit);
    answerJson(ctx, {
      calls: page.map(callDocument),
      next: found.length > limit ? page.at(-1)!.id : null,
    });
  };
}

/** `GET /call/ID?wait=30s`: one call; with `wait` when it has ended, or after that time. */
export function describeCall(services: Services): Handler {
  return async (ctx) => {
    const call = await awaitedCall(services, ctx);
    answerJson(ctx, { ...callDocument(call), ...(await callbackOf(services, call)) });
  };
}

/** The call that sends the outcome. One that is done leaves no record. */
async function callbackOf(services: Services, call: CallHead) {
  if (call.callback === undefined || !hasEnded(call)) return {};
  const calls = requirePart(services, "calls");
  const [sending] = await calls.list({ origin: { kind: "callback", name: call.id }, limit: 1 });
  return sending && { callbackCall: { id: sending.id, state: sending.state } };
}

/** Returns the call of a request, after it has ended or after the time that the parameter `wait` gives it. */
export async function awaitedCall(services: Services, ctx: Call): Promise<CallHead> {
  const { wait: waitMs } = readParameters(ctx, { wait: readWait });
  const asked = { principal: ctx.state.principal, id: ctx.params.id! };
  const read = () => requireCall(services, asked, "read");
  return await awaitEnd(services, ctx, { waitMs, read, hasEnded });
}

export function hasEnded({ state }: Pick<CallHead, "state">): boolean {
  return state !== "waiting" && state !== "running";
}
