import { attemptKey } from "../attempt-key.ts";
import type { AttemptOf, KeptValue } from "../entry.ts";
import { NEW_UNIT } from "../fold/state.ts";
import type { LiveRun } from "../live-run.ts";
import { type Ref, refOf } from "../under-way.ts";
import { Failure } from "../values/failure.ts";
import { scopeOf } from "../values/scope.ts";
import { evaluate, failed, type Scope, textOf, textsOf } from "../values/values.ts";
import { checkEvent } from "./event-size.ts";
import { deadlineOf } from "./refused.ts";
import { inputOf, sendingOf, timeoutOf } from "./sending.ts";

const DAY_MS = 86_400_000;
const MOST_WAIT_MS = 365 * DAY_MS;

/** Starts the next attempt of a unit. Throws `Unloaded` before it records anything. */
export function start(run: LiveRun, { step, item }: Ref): void {
  const attempt = (run.unit({ step, item }) ?? NEW_UNIT).attempt + 1;
  const of = { ...refOf(step, item), attempt };
  const act = prepare(run, of);
  run.record({ kind: "started", ...of });
  act();
}

/** Makes an attempt again that a crash interrupted, or that could not be made. */
export function startAgain(run: LiveRun, of: AttemptOf): void {
  prepare(run, of)();
}

/** Evaluates all that an attempt needs. What it returns makes the attempt, which was recorded. */
function prepare(run: LiveRun, of: AttemptOf): () => void {
  try {
    return actionOf(scopeOf(run, of), of);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return () => run.told.push({ of, result: { error: failure.error, isFinal: true } });
  }
}

function actionOf(scope: Scope, of: AttemptOf): () => void {
  const { run } = scope;
  const { step } = run.planned(of.step);
  const { action } = step;
  const { now } = run;
  switch (action.kind) {
    case "fn":
    case "http":
    case "exec": {
      const timeoutMs = timeoutOf(step);
      const call = {
        ...of,
        idempotencyKey: attemptKey(run.state.begun.run, of),
        send: sendingOf(scope, of, action),
      };
      return () => run.draft.starts.push(timeoutMs === undefined ? call : { ...call, timeoutMs });
    }
    case "publish":
      return publish(scope, of);
    case "flow": {
      const { flow } = action;
      const input = inputOf(scope, of);
      return () => {
        const id = run.options.newId(now);
        run.draft.children.push({ ...of, run: id, flow, input });
        const until = deadlineOf(run, of);
        run.record({ kind: "waiting", ...of, until, for: { kind: "flow", flow, run: id } });
      };
    }
    case "wait": {
      const until = action.until === undefined ? now + (action.forMs ?? 0) : timeOf(scope, action.until);
      return () => run.record({ kind: "waiting", ...of, until: Math.max(until, now), for: { kind: "time" } });
    }
    case "event": {
      const { topic, type, by } = action;
      const equals = evaluate(scope, action.equals, "wait.equals") ?? null;
      const wait = type === undefined ? { topic, by, equals } : { topic, type, by, equals };
      return () => {
        run.draft.waits.push({ ...refOf(of.step, of.item), ...wait });
        const until = now + (step.timeoutMs ?? DAY_MS);
        run.record({ kind: "waiting", ...of, until, for: { kind: "event", ...wait } });
      };
    }
    case "approve": {
      const message = textOf(scope, action.message, "approve");
      const waitsFor = { kind: "approval", message, ...(action.by && { by: action.by }) } as const;
      const until = now + (step.timeoutMs ?? 7 * DAY_MS);
      return () => run.record({ kind: "waiting", ...of, until, for: waitsFor });
    }
  }
}

function publish(scope: Scope, of: AttemptOf): () => void {
  const { run } = scope;
  const { action } = run.planned(of.step).step;
  if (action.kind !== "publish") throw new Error(`Step ${of.step} publishes nothing`);
  const { topic, type } = action;
  const attributes = textsOf(scope, action.attributes, "attributes");
  const payload: KeptValue = inputOf(scope, of);
  checkEvent(scope, topic, payload);
  const id = attemptKey(run.state.begun.run, of);
  return () => {
    run.draft.publishes.push({ topic, id, type, attributes, payload });
    run.told.push({ of, result: { output: { json: { topic, id } } } });
  };
}

function timeOf(scope: Scope, until: string): number {
  const value = evaluate(scope, until, "wait.until");
  const at =
    value instanceof Date ? value.getTime() : typeof value === "string" ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at))
    throw failed(scope.step, "`wait.until` must be a time, such as `2026-12-24T18:00:00Z`.");
  if (at - scope.run.now > MOST_WAIT_MS) throw failed(scope.step, "`wait.until` is more than 365 days away.");
  return at;
}
