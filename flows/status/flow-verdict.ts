import type { Verdict } from "../../platform/events/verdict.ts";
import type { Action, FlowDefinition } from "../../platform/flows/definition/definition.ts";
import type { FlowFault } from "../../platform/flows/definition/parse.ts";
import type { RunState } from "../../platform/flows/run/error.ts";
import type { FlowTotals } from "../../store/flows/runs.ts";
import type { ReadFlow } from "../read-flow.ts";

/** What the verdict on a flow depends on. */
export interface FlowState {
  readonly read: ReadFlow;
  /** Undefined for a flow that never ran. */
  readonly totals: FlowTotals | undefined;
  readonly last: LastRun | undefined;
  readonly hasFunction: (name: string) => boolean;
  readonly hasFlow: (name: string) => boolean;
}

export interface LastRun {
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  readonly state: RunState;
}

/** More would hide the first ones. */
const MOST_FAULTS = 5;

/** Judges a flow. */
export function flowVerdict(state: FlowState): Verdict {
  const { read, totals, last } = state;
  const figures = {
    runs: sum(totals?.live),
    failed: totals?.ended.failed ?? 0,
    lastRunAt: last && timeText(last.acceptedAt),
    lastRunState: last?.state,
  };
  if ("faults" in read) {
    return { isReady: false, reason: "InvalidSpec", message: faultText(read.faults), figures };
  }
  const { definition, version } = read;
  const missing = missingOf(definition, state);
  return {
    isReady: missing === undefined,
    reason: missing?.reason ?? "Accepting",
    message: missing?.message ?? triggerText(definition),
    figures: { version, ...figures },
  };
}

function faultText(faults: readonly FlowFault[]): string {
  const texts = faults
    .slice(0, MOST_FAULTS)
    .map(({ line, column, message }) => `line ${line}, column ${column}: ${message}`);
  const more = faults.length - texts.length;
  return `${texts.join(" ")}${more > 0 ? ` There are ${more} more faults.` : ""}`;
}

function missingOf(definition: FlowDefinition, { hasFunction, hasFlow }: FlowState) {
  for (const [step, { action }] of Object.entries({ ...definition.steps, ...definition.finally })) {
    const missing = missingTarget(action, { hasFunction, hasFlow });
    if (missing === undefined) continue;
    const reason = missing.kind === "function" ? "UnknownFunction" : "UnknownFlow";
    const message = `There is no ${missing.kind} "${missing.name}": the step "${step}" fails until it is deployed.`;
    return { reason, message };
  }
  return undefined;
}

function missingTarget(action: Action, { hasFunction, hasFlow }: Pick<FlowState, "hasFunction" | "hasFlow">) {
  if (action.kind === "fn" && !hasFunction(action.function))
    return { kind: "function", name: action.function };
  if (action.kind === "flow" && !hasFlow(action.flow)) return { kind: "flow", name: action.flow };
  return undefined;
}

function triggerText({ flow, on: { http, topics, crons } }: FlowDefinition): string {
  const begun = [
    "by the API",
    ...(http === undefined ? [] : [`by requests to /flow/${flow}/http${http.path === "/" ? "" : http.path}`]),
    ...topics.map(({ topic }) => `by events of "${topic}"`),
    ...crons.map(({ cron }) => `at "${cron}"`),
  ];
  return `Runs begin ${begun.join(", ")}.`;
}

function sum(counts: Readonly<Partial<Record<RunState, number>>> = {}): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

/** Times in Kubernetes' objects have no fractions. */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
