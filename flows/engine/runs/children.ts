import type { Begun } from "../../../platform/flows/run/entry.ts";
import type { StepError } from "../../../platform/flows/run/error.ts";
import type { ChildRun } from "../../../platform/flows/run/machine.ts";
import { Problem } from "../../../platform/problems.ts";
import type { NewRun, NewSignal } from "../../../store/flows/runs.ts";
import type { FlowTable } from "../flow-table.ts";
import type { InputChecks } from "../input-checks.ts";
import type { NewRuns } from "../new-runs.ts";
import { TooDeep, type Values } from "../values.ts";

export interface ChildrenOptions {
  readonly table: Pick<FlowTable, "find">;
  readonly newRuns: NewRuns;
  readonly inputs: InputChecks;
  readonly values: Values;
  readonly mostDepth: number;
  readonly now: () => number;
}

/** The run that begins another one or publishes, and the field of the attempt that does it. */
export interface Origin {
  readonly begun: Begun;
  readonly traceparent: string;
}

/** Makes the runs that are steps of others. */
export class Children {
  readonly #options: ChildrenOptions;

  constructor(options: ChildrenOptions) {
    this.#options = options;
  }

  /** Returns the run, or the signal that tells its parent why there is none. Rejects if the store is away. */
  async make(
    child: ChildRun,
    { begun: parent, traceparent }: Origin,
  ): Promise<{ run: NewRun } | { signal: NewSignal }> {
    const { newRuns } = this.#options;
    const { run: id, flow: name, step, item, attempt } = child;
    const place = { run: parent.run, step, ...(item === undefined ? {} : { item }) };
    try {
      const flow = await this.#options.table.find(name);
      const input = await this.#options.values.movedOut(child.input);
      await this.#check(child, parent, flow);
      const run = newRuns.newRun(flow, {
        ...{ id, input, depth: parent.depth + 1, traceparent },
        trigger: { kind: "flow", flow: parent.definition.flow, ...place },
        parent: { ...place, attempt },
        by: `run ${parent.run}`,
      });
      return { run };
    } catch (error) {
      if (error instanceof TooDeep) {
        const message = `The input of the flow "${name}" ${error.message}.`;
        return { signal: this.#refused(child, parent, { type: "invalid_input", message }) };
      }
      if (!(error instanceof Problem) || error.code === "store_unavailable" || error.code === "draining")
        throw error;
      return { signal: this.#refused(child, parent, { type: error.code, message: error.detail }) };
    }
  }

  /** @throws Problem */
  async #check(child: ChildRun, parent: Begun, flow: Awaited<ReturnType<FlowTable["find"]>>): Promise<void> {
    const { mostDepth, values, inputs } = this.#options;
    if (parent.depth + 1 > mostDepth) {
      const detail = `Flows are nested deeper than ${mostDepth} (SKIFF_FLOW_DEPTH): call fewer flows from within flows.`;
      throw new Problem("invalid_flow", detail);
    }
    const value = "json" in child.input ? child.input : await values.load(child.input);
    const [fault] = await inputs.faults(flow, value.json);
    if (fault === undefined) return;
    const what = `The input of the flow "${flow.name}" is not valid: ${fault.pointer || "it"} ${fault.message}.`;
    throw new Problem("invalid_input", what);
  }

  #refused({ run, step, item, attempt }: ChildRun, parent: Begun, error: StepError): NewSignal {
    const end = { kind: "ended", at: this.#options.now(), state: "failed", step: "", error } as const;
    return { run: parent.run, signal: { kind: "flow", step, item, attempt, run, end } };
  }
}
