import type { Action, FlowDefinition, Step, Steps } from "../definition/definition.ts";
import { type Link, linksOf } from "../definition/links.ts";
import type { StepState } from "../run/error.ts";

/** A flow as a picture shows it. */
export interface FlowGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  readonly name: string;
  /** What it does, such as `fn charge`, and how often. */
  readonly text: string;
  readonly isFinally: boolean;
  /** Of a run. */
  readonly state?: StepState | undefined;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: "needs" | "else" | "catch";
  /** Condition, or what is caught. */
  readonly text: string;
}

/** Longest text of a node or an edge. */
const CHARACTERS = 40;

/** @param states of the steps of a run, to paint them */
export function flowGraph(
  { steps, finally: last }: FlowDefinition,
  states: Readonly<Record<string, StepState>> = {},
): FlowGraph {
  const node =
    (isFinally: boolean) =>
    ([name, step]: [string, Step]) => ({
      name,
      text: short(textOf(step)),
      isFinally,
      state: states[name],
    });
  const all = { ...steps, ...last };
  return {
    nodes: [...Object.entries(steps).map(node(false)), ...Object.entries(last).map(node(true))],
    edges: linksOf(all).map((link) => ({
      from: link.from,
      to: link.to,
      kind: link.kind,
      text: edgeText(link, all),
    })),
  };
}

/** Condition of the step, or what is caught. */
function edgeText({ to, kind, on = [] }: Link, steps: Steps): string {
  if (kind === "catch") return short(on.join(", ") || "any error");
  const condition = steps[to]!.if;
  if (condition !== undefined) return short(`if ${condition}`);
  return kind === "else" ? "else" : "";
}

function textOf(step: Step): string {
  const often = step.each !== undefined ? " for each" : step.while !== undefined ? " while" : "";
  return `${actionText(step.action)}${often}`;
}

function actionText(action: Action): string {
  switch (action.kind) {
    case "fn":
      return `fn ${action.function}${action.version === undefined ? "" : `@${action.version}`}`;
    case "http":
      return `http ${String(action.url)}`;
    case "publish":
      return `publish ${action.topic}`;
    case "exec":
      return `exec ${action.cmd.map(String).join(" ")}`;
    case "flow":
      return `flow ${action.flow}`;
    case "wait":
      return action.until === undefined
        ? `wait ${(action.forMs ?? 0) / 1_000} s`
        : `wait until ${action.until}`;
    case "event":
      return `wait for ${action.topic}`;
    case "approve":
      return "approve";
  }
}

function short(text: string): string {
  const line = text.replace(/\s+/g, " ");
  return line.length <= CHARACTERS ? line : `${line.slice(0, CHARACTERS - 1)}…`;
}
