import type { FlowDefinition } from "../definition/definition.ts";
import { readDocument } from "../definition/text/document.ts";
import type { FlowCase } from "./cases.ts";
import { foldOf, judge } from "./judge.ts";
import { CaseReader } from "./read-cases.ts";
import { type CaseOptions, runCase } from "./run-case.ts";

export interface TestFault {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly lineText: string;
}

export interface CaseResult {
  readonly name: string;
  /** Sentences; none: the case passed. */
  readonly problems: readonly string[];
  /** Virtual time from the begin of the run to its end, in milliseconds. */
  readonly tookMs: number;
}

export interface TestReport {
  readonly cases: readonly CaseResult[];
  /** Steps that no case ran. */
  readonly untested: readonly string[];
}

/** Reads a file of tests beside a flow: YAML or JSON with `cases`. */
export function parseFlowTests(
  text: string,
  definition: FlowDefinition,
): { readonly cases: readonly FlowCase[] } | { readonly faults: readonly TestFault[] } {
  const document = readDocument(text);
  const reader = new CaseReader([...Object.keys(definition.steps), ...Object.keys(definition.finally)]);
  const cases = document.spots.length > 0 ? [] : reader.read(document.value);
  const spots = document.spots.length > 0 ? document.spots : reader.faults.map(document.spotOf);
  if (spots.length === 0) return { cases };
  const lines = text.split("\n");
  return {
    faults: spots.map(({ message, offset }) => {
      const { line, column } = document.lineOf(offset);
      return { message, line, column, lineText: lines[line - 1] ?? "" };
    }),
  };
}

/** Runs the cases of a flow without a network: each step's mock is its answer, and time is virtual. */
export function testFlow(
  definition: FlowDefinition,
  cases: readonly FlowCase[],
  options: CaseOptions,
): TestReport {
  const tested = new Set<string>();
  const results = cases.map((flowCase) => {
    const run = runCase(definition, flowCase, options);
    for (const [name, { state }] of Object.entries(foldOf(definition, run.entries).steps)) {
      if (state !== "pending" && state !== "skipped") tested.add(name);
    }
    return { name: flowCase.name, problems: judge(definition, flowCase, run), tookMs: run.tookMs };
  });
  const steps = [...Object.keys(definition.steps), ...Object.keys(definition.finally)];
  return { cases: results, untested: steps.filter((name) => !tested.has(name)) };
}
