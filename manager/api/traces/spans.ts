import type { TracedCall } from "../../../platform/usage/exchange.ts";
import type { CallHead } from "../../../store/call.ts";

/** A part of the time of a call, from the beginning of its trace. */
export interface ShownSpan {
  /** `wait` for an instance, `wake.STEP` within it, `instance`; `queue` and `attempt N` of an asynchronous call. */
  readonly name: string;
  readonly function?: string;
  readonly version?: number;
  readonly startMs: number;
  readonly durationMs: number;
  readonly status?: number;
}

/** Returns where the time of a call went. Steps of a start end when the call got its instance. */
export function spansOfCall(call: TracedCall): readonly ShownSpan[] {
  const { function: name, version, waitedMs, durationMs, wake, status, instance } = call;
  const of = { function: name, version };
  const spans: ShownSpan[] = [];
  if (waitedMs > 0) spans.push({ name: "wait", ...of, startMs: 0, durationMs: round(waitedMs) });
  let startMs = waitedMs - wake.reduce((sum, step) => sum + step.durationMs, 0);
  for (const step of wake) {
    // The start may have begun before the call came.
    const from = Math.max(0, startMs);
    startMs += step.durationMs;
    const length = Math.max(0, startMs - from);
    spans.push({ name: `wake.${step.name}`, ...of, startMs: round(from), durationMs: round(length) });
  }
  if (instance !== "") {
    const inside = Math.max(0, durationMs - waitedMs);
    spans.push({ name: "instance", ...of, startMs: round(waitedMs), durationMs: round(inside), status });
  }
  return spans;
}

/** Returns how long an asynchronous call waited, and its attempts. */
export function spansOfRecord({ acceptedAt, attempts, target }: CallHead): readonly ShownSpan[] {
  const of = "function" in target ? { function: target.function } : {};
  const spans = attempts.map(({ number, startedAt, endedAt, status }) => ({
    name: `attempt ${number}`,
    ...of,
    startMs: startedAt - acceptedAt,
    durationMs: endedAt - startedAt,
    ...(status === undefined ? {} : { status }),
  }));
  const [first] = attempts;
  if (first === undefined) return spans;
  return [{ name: "queue", ...of, startMs: 0, durationMs: first.startedAt - acceptedAt }, ...spans];
}

/** To microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
