import { setTimeout as delay } from "node:timers/promises";
import { clientSignal } from "../../../http/client-signal.ts";
import { Problem } from "../../../platform/problems.ts";
import { parseDurationMs } from "../../../platform/quantity.ts";
import type { CallHead } from "../../../store/call.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { callDocument } from "./call-document.ts";
import { readCallQuery } from "./call-query.ts";
import { requireCall } from "./visible-calls.ts";

const LONGEST_WAIT_MS = 60_000;
/** Each pause is longer than the one before, so that many long waits leave the store alone. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [20, 1_000];

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
  const { now } = services.keys;
  const until = now() + waitMs;
  const leaving = AbortSignal.any([clientSignal(ctx.res), services.closing]);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.3, LONGEST_PAUSE_MS)) {
    const call = await requireCall(services, asked, "read");
    const leftMs = until - now();
    if (hasEnded(call) || leftMs <= 0 || leaving.aborted) return call;
    await delay(Math.min(pauseMs, leftMs), undefined, { signal: leaving }).catch((error: Error) => {
      if (error.name !== "AbortError") throw error;
    });
  }
}

export function hasEnded({ state }: Pick<CallHead, "state">): boolean {
  return state !== "waiting" && state !== "running";
}

function readWait(text: string | undefined): number {
  if (text === undefined) return 0;
  const ms = text === "" ? undefined : parseDurationMs(text);
  if (ms !== undefined && ms <= LONGEST_WAIT_MS) return ms;
  const detail = `wait=${text.slice(0, 40)} is not a duration from 0 to 60 s: use one such as 30s.`;
  throw new Problem("invalid_request", detail);
}
