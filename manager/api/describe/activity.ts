import type { FunctionDescription } from "../../../platform/platform.ts";
import { addDurations, quantileMs } from "../../../platform/usage/durations.ts";
import type { MonthlyCalls, UsageStep } from "../../../store/store.ts";
import type { Services } from "../services.ts";
import { fromStore, requireStore } from "../store.ts";
import { stateOf } from "./function-state.ts";
import { liveVersions } from "./live-versions.ts";
import { rounded } from "./rounded.ts";

/** The last hour in steps of two minutes. */
export const STEPS = 30;
const STEP_S = 120;
const STEP_MS = STEP_S * 1_000;

/** What `GET /func?detail=activity` adds to a function. */
export type Activity = Readonly<Record<string, unknown>>;

interface Seen {
  readonly steps: ReadonlyMap<string, readonly UsageStep[]>;
  readonly month: MonthlyCalls;
}

/** Returns state, traffic, instances and the last hour of functions, by name. The store is asked once for all of them. */
export async function activityOf(
  services: Services,
  functions: readonly FunctionDescription[],
  now: Date,
): Promise<ReadonlyMap<string, Activity>> {
  const names = functions.map(({ name }) => name);
  const lastMs = Math.floor(now.getTime() / STEP_MS) * STEP_MS;
  const since = lastMs - (STEPS - 1) * STEP_MS;
  const read = await fromStore(services, async (): Promise<Seen> => {
    const { usage } = requireStore(services);
    const range = { since: new Date(since), until: new Date(lastMs + STEP_MS), stepMs: STEP_MS };
    const [steps, month] = await Promise.all([
      names.length === 0 ? [] : usage.series({ functions: names, ...range }),
      usage.month(now),
    ]);
    return { steps: Map.groupBy(steps, (step) => step.function), month };
  });
  const found = functions.map((description): [string, Activity] => {
    const { name, settings, traffic, instances } = description;
    const seen = "found" in read ? read.found : undefined;
    const usedInMonth = seen && (seen.month.functions[name] ?? 0);
    const history =
      "found" in read
        ? seriesOf(read.found.steps.get(name) ?? [], { since, live: liveVersions(traffic) })
        : { noHistory: read.missing };
    const state = stateOf(description, usedInMonth, now);
    return [name, { state, runtime: settings.runtime, traffic, instances, ...history }];
  });
  return new Map(found);
}

interface SeriesOptions {
  readonly since: number;
  /** Versions with traffic. */
  readonly live: ReadonlySet<number>;
}

function seriesOf(steps: readonly UsageStep[], { since, live }: SeriesOptions) {
  const zeros = () => new Array<number>(STEPS).fill(0);
  const [calls, errors, liveErrors] = [zeros(), zeros(), zeros()];
  let liveCalls = 0;
  const durations = Array.from({ length: STEPS }, (): readonly number[] => []);
  for (const step of steps) {
    const at = (step.from.getTime() - since) / STEP_MS;
    calls[at]! += step.calls;
    errors[at]! += step.errors;
    if (live.has(step.version)) {
      liveCalls += step.calls;
      liveErrors[at]! += step.errors;
    }
    durations[at] = addDurations(durations[at]!, step.durations);
  }
  const p95Ms = quantileMs(durations.reduce(addDurations, []), 0.95);
  const sum = (counts: readonly number[]) => counts.reduce((all, count) => all + count, 0);
  return {
    lastHour: {
      ...{ calls: sum(calls), errors: sum(errors), liveCalls, liveErrors: sum(liveErrors) },
      ...(p95Ms && { p95Ms: rounded(p95Ms) }),
    },
    series: {
      stepS: STEP_S,
      calls,
      errors,
      liveErrors,
      p95Ms: durations.map((each) => {
        const ms = quantileMs(each, 0.95);
        return ms === undefined ? null : rounded(ms);
      }),
    },
  };
}
