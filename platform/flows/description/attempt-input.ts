import type { AttemptOf, Entry, KeptBody, KeptValue } from "../run/entry.ts";
import { apply } from "../run/fold/fold.ts";
import { planOf } from "../run/fold/plan.ts";
import { newRun, type RunData } from "../run/fold/state.ts";
import { LiveRun } from "../run/live-run.ts";
import type { MachineOptions } from "../run/machine.ts";
import { inputOf } from "../run/rules/sending.ts";
import { Failure, Unloaded } from "../run/values/failure.ts";
import { scopeOf } from "../run/values/scope.ts";

export type InputOptions = Pick<MachineOptions, "limits" | "value" | "expressions">;

/** The input, or bodies that must be loaded first, or why there is none. */
export type AttemptInput =
  | { readonly input: KeptValue }
  | { readonly missing: readonly KeptBody[] }
  | { readonly fault: string };

/** The state of a run up to an entry, with all outputs. */
export function stateUpTo(entries: readonly Entry[]): RunData {
  const [begun, ...rest] = entries;
  if (begun?.kind !== "begun") throw new Error(`The first entry of a run is ${begun?.kind ?? "missing"}`);
  const state = newRun(begun);
  const plan = planOf(begun.definition);
  for (const entry of rest) if (entry.kind !== "begun") apply(state, entry, plan);
  return state;
}

/**
 * Evaluates once more what an attempt got, which no entry has.
 * @param state after the entry with which the attempt started
 */
export function attemptInput(state: RunData, of: AttemptOf, options: InputOptions): AttemptInput {
  const unused = () => {
    throw new Error("A description starts nothing");
  };
  const run = new LiveRun(state, planOf(state.begun.definition), {
    ...options,
    ...{ random: unused, retryOf: unused, newId: unused },
  });
  try {
    return { input: inputOf(scopeOf(run, of), of) };
  } catch (error) {
    if (error instanceof Unloaded) return { missing: error.bodies };
    if (error instanceof Failure) return { fault: error.error.message };
    throw error;
  }
}
