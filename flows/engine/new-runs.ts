import { NewTraces } from "../../http/traceparent.ts";
import type { Begun, KeptValue, Trigger } from "../../platform/flows/run/entry.ts";
import type { Platform, Traffic } from "../../platform/platform.ts";
import { newCallId } from "../../store/call-id.ts";
import type { NewRun } from "../../store/flows/runs.ts";
import type { FlowTracer } from "../traces/flow-tracer.ts";
import { runTraceparent } from "../traces/span-ids.ts";
import type { Flow } from "./flow-table.ts";
import { bodiesOf } from "./runs/entry-bodies.ts";

export interface NewRunsOptions {
  readonly platform: Pick<Platform, "endpoints">;
  readonly now: () => number;
  readonly random: () => number;
  readonly tracer?: Pick<FlowTracer, "samples"> | undefined;
}

export interface RunRequest extends Pick<NewRun, "parent" | "by" | "keyId" | "idempotency"> {
  readonly trigger: Trigger;
  readonly input: KeptValue;
  /** A new one by default. */
  readonly id?: string;
  /** Of a run that is a step of another one; 0 by default. */
  readonly depth?: number;
  /** A valid field of the caller; by default the run begins a trace. */
  readonly traceparent?: string | undefined;
}

/** Makes runs with their first entry: the definition, and the versions that its functions have now. */
export class NewRuns {
  readonly #options: NewRunsOptions;
  readonly #traces = new NewTraces();

  constructor(options: NewRunsOptions) {
    this.#options = options;
  }

  newRun({ name, version, definition, functions }: Flow, request: RunRequest): NewRun {
    const { now, random, tracer } = this.#options;
    const at = now();
    const { id = newCallId(at, random), trigger, input, depth = 0, ...rest } = request;
    const { traceparent: given, ...more } = rest;
    // The firing of a schedule is no span.
    const isFirst = trigger.kind === "cron";
    const traceparent = runTraceparent({ run: id, given, isFirst, next: () => this.#traces.next() }, tracer);
    const begun: Begun = {
      ...{ kind: "begun", at, run: id, definition, version, trigger, input, depth, traceparent },
      functions: this.#versionsOf(functions),
    };
    return { id, flow: name, version, trigger, begun, acceptedAt: at, ...more, bodies: bodiesOf([begun]) };
  }

  #versionsOf(functions: readonly string[]): Record<string, number> {
    const { platform, random } = this.#options;
    const chosen = functions.flatMap((name) => {
      const version = chosenVersion(platform.endpoints(name)?.traffic ?? [], random());
      return version === undefined ? [] : [[name, version] as const];
    });
    return Object.fromEntries(chosen);
  }
}

/** @param random from 0 to below 1 */
function chosenVersion(traffic: Traffic, random: number): number | undefined {
  let left = random * traffic.reduce((sum, { weight }) => sum + weight, 0);
  for (const { version, weight } of traffic) {
    left -= weight;
    if (left < 0) return version;
  }
  return traffic.at(-1)?.version;
}
