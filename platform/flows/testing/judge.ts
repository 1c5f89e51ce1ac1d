import type { FlowDefinition } from "../definition/definition.ts";
import type { Begun, Entry, KeptValue } from "../run/entry.ts";
import type { StepError } from "../run/error.ts";
import { apply } from "../run/fold/fold.ts";
import { planOf } from "../run/fold/plan.ts";
import { newRun, type RunData, type StepData } from "../run/fold/state.ts";
import type { FlowCase, StepExpectation } from "./cases.ts";
import { differences, shown } from "./differences.ts";
import type { CaseRun, MockedCall } from "./run-case.ts";

/** Sentences that say how a run differs from what its case expects; none: it passed. */
export function judge(definition: FlowDefinition, { expect }: FlowCase, run: CaseRun): string[] {
  if (run.problem !== undefined) return [run.problem];
  const data = foldOf(definition, run.entries);
  const { ended } = data;
  if (ended === undefined) return ["The run has not ended."];
  const failure = ended.state === "failed" ? { step: ended.step, ...ended.error } : undefined;
  const problems: string[] = [];
  if (expect.state !== undefined && expect.state !== ended.state) {
    problems.push(`The run is ${ended.state}, not ${expect.state}${why(failure)}.`);
  }
  if (expect.output !== undefined) {
    if (ended.state === "done")
      problems.push(...differences(jsonOf(ended.output), expect.output.value, "output"));
    else problems.push(`The run is ${ended.state} and has no output${why(failure)}.`);
  }
  if (expect.error !== undefined) problems.push(...errorDifferences(failure, expect.error, "error"));
  for (const [name, expected] of Object.entries(expect.steps)) {
    const calls = run.calls.filter(({ step }) => step === name);
    problems.push(...judgeStep(`steps.${name}`, { data: data.steps[name]!, calls }, expected));
  }
  return problems;
}

function judgeStep(
  what: string,
  { data, calls }: { readonly data: StepData; readonly calls: readonly MockedCall[] },
  expected: StepExpectation,
): string[] {
  const problems: string[] = [];
  if (expected.state !== undefined && expected.state !== data.state) {
    const reason = data.why === undefined ? why(data.error) : ` by ${data.why}`;
    problems.push(`${what} is ${data.state}, not ${expected.state}${reason}.`);
  }
  if (expected.attempts !== undefined && expected.attempts !== calls.length) {
    problems.push(`${what} had ${calls.length} attempts, not ${expected.attempts}.`);
  }
  if (expected.input !== undefined) {
    const [first] = calls;
    if (first === undefined) problems.push(`${what} was not called, so that it had no input.`);
    else problems.push(...differences(first.input, expected.input.value, `${what}.input`));
  }
  if (expected.output !== undefined) {
    problems.push(...differences(jsonOf(outputOf(data)), expected.output.value, `${what}.output`));
  }
  if (expected.error !== undefined)
    problems.push(...errorDifferences(data.error, expected.error, `${what}.error`));
  return problems;
}

/** Members that are not expected may be anything. */
function errorDifferences(
  found: StepError | undefined,
  expected: Readonly<Record<string, unknown>>,
  what: string,
): string[] {
  if (found === undefined) return [`There is no ${what}, and ${shown(expected)} was expected.`];
  const members = found as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(expected).flatMap(([key, value]) =>
    differences(members[key], value, `${what}.${key}`),
  );
}

function why(error: StepError | undefined): string {
  return error === undefined ? "" : ` (${error.type}: ${error.message})`;
}

function outputOf({ output, units }: StepData): KeptValue | undefined {
  return output ?? units[0]?.output;
}

function jsonOf(value: KeptValue | undefined): unknown {
  return value !== undefined && "json" in value ? value.json : null;
}

/** What the entries of a run add up to. */
export function foldOf(definition: FlowDefinition, entries: readonly Entry[]): RunData {
  const plan = planOf(definition);
  const [begun, ...rest] = entries;
  const data = newRun(begun as Begun);
  for (const entry of rest) if (entry.kind !== "begun") apply(data, entry, plan);
  return data;
}
