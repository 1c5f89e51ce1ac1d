import type { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import type { Begun, Entry } from "../../../platform/flows/run/entry.ts";
import type { MachineOptions, RunMachine } from "../../../platform/flows/run/machine.ts";
import { newCallId } from "../../../store/call-id.ts";
import type { Runs } from "../../../store/flows/runs.ts";
import type { FlowsOptions } from "../../services.ts";
import type { Values } from "../values.ts";

const ENTRIES_AT_ONCE = 1_000;

export interface Machines {
  readonly expressions: Expressions;
  create(begun: Begun): RunMachine;
  /** Reads what is stored of a run. Rejects if the store is away. */
  restore(run: string, runs: Pick<Runs, "checkpoint" | "entries">): Promise<Restored>;
}

export interface Restored {
  readonly machine: RunMachine;
  readonly begun: Begun;
  /** Those after the checkpoint. */
  readonly entries: readonly Entry[];
  /** Number of the entry of the checkpoint; 0 without one. */
  readonly checkpointAt: number;
}

/** The rules of runs and their expressions are loaded with the first run. */
export async function loadMachines(
  options: FlowsOptions,
  { values, mostEventBytes }: { values: Values; mostEventBytes: MachineOptions["mostEventBytes"] },
): Promise<Machines> {
  const [{ createMachine, restoreMachine, isUsable }, expressions] = await Promise.all([
    import("../../../platform/flows/run/run-machine.ts"),
    import("../../../platform/flows/expressions/expressions.ts"),
  ]);
  const { limits, platform, random } = options;
  const given = {
    limits,
    random,
    value: values.cached.bind(values),
    mostEventBytes,
    retryOf: (name: string) => platform.endpoints(name)?.retry,
    newId: (now: number) => newCallId(now, random),
    expressions: new expressions.Expressions(),
  };
  return {
    expressions: given.expressions,
    create: (begun) => createMachine(begun, given),
    async restore(run, runs) {
      const kept = await runs.checkpoint(run);
      const checkpoint = kept !== undefined && isUsable(kept.state) ? kept : undefined;
      const after = checkpoint?.sequence ?? 0;
      const [[first], entries] = await Promise.all([
        after > 0 ? runs.entries(run, 0, 1) : [],
        allEntries(run, after, runs),
      ]);
      const begun = first ?? entries[0];
      if (begun?.kind !== "begun") throw new Error(`the run ${run} has no first entry`);
      const machine = restoreMachine({ checkpoint: checkpoint?.state, entries }, given);
      return { machine, begun, entries, checkpointAt: after };
    },
  };
}

async function allEntries(run: string, after: number, runs: Pick<Runs, "entries">): Promise<Entry[]> {
  const all: Entry[] = [];
  for (;;) {
    const entries = await runs.entries(run, after + all.length, ENTRIES_AT_ONCE);
    all.push(...entries);
    if (entries.length < ENTRIES_AT_ONCE) return all;
  }
}
