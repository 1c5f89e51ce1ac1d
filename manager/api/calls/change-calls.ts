import { Problem } from "../../../platform/problems.ts";
import type { CallHead, CallState } from "../../../store/call.ts";
import type { CallFilter, Cancelled } from "../../../store/calls.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import { refusePrecondition } from "../versions/read-options.ts";
import { type AskedCalls, readCallQuery } from "./call-query.ts";
import { hasEnded } from "./read-calls.ts";
import { requireCall, unknownCall } from "./visible-calls.ts";

/** Calls that a request changes at most; `more` says that there are others. */
const MOST = 10_000;
const BATCH = 500;
const ENDED: readonly CallState[] = ["done", "dead", "cancelled"];

/** `POST /call/ID/retry`: a dead call waits again, with all its attempts anew. */
export function retryCall(services: Services): Handler {
  return async (ctx) => {
    const { id, record } = await changedCall(services, ctx);
    if (record.state !== "dead") throw notDead(record);
    const calls = requirePart(services, "calls");
    const [retried] = await calls.retry({ id, states: ["dead"] }, { now: services.keys.now(), limit: 1 });
    if (retried === undefined) throw notDead((await calls.head(id)) ?? record);
    ctx.status = 202;
    ctx.set("location", `/call/${id}`);
    answerJson(ctx, { id, state: "waiting" });
  };
}

/** `DELETE /call/ID`: cancels a call that waits, and removes the record of one that has ended. */
export function removeCall(services: Services): Handler {
  return async (ctx) => {
    const { id, record } = await changedCall(services, ctx);
    const calls = requirePart(services, "calls");
    const wasLive = !hasEnded(record);
    const state = wasLive ? await calls.cancel(id, services.keys.now()) : record.state;
    if (state === undefined) throw unknownCall(id);
    if (state === "running" || state === "waiting") {
      const detail = `The call ${id} is running: wait until it has ended, with GET /call/${id}?wait=30s.`;
      throw new Problem("call_running", detail);
    }
    const isCancelled = wasLive && state === "cancelled";
    if (!isCancelled && (await calls.purge({ id, states: ENDED }, 1)) === 0) throw unknownCall(id);
    ctx.state.audited = { target: `call/${id}`, detail: isCancelled ? "cancelled" : "removed" };
    answerJson(ctx, { success: true, cancelled: isCancelled });
  };
}

/** `POST /call/retry?function=&state=dead…`: all dead calls that match. */
export function retryCalls(services: Services): Handler {
  return async (ctx) => {
    refusePrecondition(ctx);
    const asked = await readMany(services, ctx);
    if (asked.states?.some((state) => state !== "dead")) {
      throw new Problem("invalid_request", "Only dead calls are retried: use state=dead.");
    }
    const calls = requirePart(services, "calls");
    const now = services.keys.now();
    const { count: retried, more } = await inBatches(asked.filters, async (filter, limit) => {
      const ids = await calls.retry({ ...filter, states: ["dead"] }, { now, limit });
      return { count: ids.length, isMore: ids.length > 0 };
    });
    ctx.state.audited = { target: "call", detail: `${ctx.querystring}: ${retried} retried` };
    answerJson(ctx, { retried, more });
  };
}

/** `DELETE /call?state=&function=…`: cancels those that wait, and removes the records of those that have ended. */
export function removeCalls(services: Services): Handler {
  return async (ctx) => {
    refusePrecondition(ctx);
    const asked = await readMany(services, ctx);
    const { states } = asked;
    if (states === undefined || states.includes("running")) {
      const detail = `Say which calls to remove: state=waiting cancels, and ${ENDED.join(", ")} remove records.`;
      throw new Problem("invalid_request", detail);
    }
    const calls = requirePart(services, "calls");
    const now = services.keys.now();
    const nothing = { count: 0, more: false };
    const ended = states.filter((state) => ENDED.includes(state));
    // First, so that what is cancelled here keeps its record.
    const removed =
      ended.length === 0
        ? nothing
        : await inBatches(asked.filters, async (filter, limit) => {
            const count = await calls.purge({ ...filter, states: ended }, limit);
            return { count, isMore: count > 0 };
          });
    const cancelled = states.includes("waiting")
      ? await inBatches(asked.filters, (filter, limit) => calls.cancelAll(filter, { limit, now }))
      : nothing;
    const counts = { cancelled: cancelled.count, removed: removed.count };
    ctx.state.audited = { target: "call", detail: `${ctx.querystring}: ${JSON.stringify(counts)}` };
    answerJson(ctx, { ...counts, more: cancelled.more || removed.more });
  };
}

/**
 * Repeats a change of a batch until nothing matches, or until it has changed `MOST` calls. A batch may change fewer calls
 * than it found: others changed them first.
 */
async function inBatches(
  filters: readonly CallFilter[],
  change: (filter: CallFilter, limit: number) => Promise<Cancelled>,
): Promise<{ count: number; more: boolean }> {
  let count = 0;
  for (const filter of filters) {
    for (;;) {
      const limit = Math.min(BATCH, MOST - count);
      if (limit === 0) return { count, more: true };
      const changed = await change(filter, limit);
      count += changed.count;
      if (!changed.isMore) break;
    }
  }
  return { count, more: false };
}

async function readMany(services: Services, ctx: Call): Promise<AskedCalls> {
  const asked = await readCallQuery(services, ctx, "deploy");
  if (asked.isNarrowed) return asked;
  throw new Problem(
    "invalid_request",
    "Say which calls: such as function=NAME, or state=dead for all dead ones.",
  );
}

async function changedCall(services: Services, ctx: Call): Promise<{ id: string; record: CallHead }> {
  readParameters(ctx, {});
  refusePrecondition(ctx);
  const id = ctx.params.id!;
  const record = await requireCall(services, { principal: ctx.state.principal, id }, "deploy");
  return { id, record };
}

function notDead({ id, state }: CallHead): Problem {
  const advice =
    state === "waiting" || state === "running" ? "wait for its end" : "send it again as a new call";
  return new Problem(
    "call_not_dead",
    `The call ${id} is ${state}, and only dead calls are retried: ${advice}.`,
  );
}
