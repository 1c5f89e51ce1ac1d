import { type Edge, type Node, Position } from "@xyflow/react";
import type { FlowGraph, GraphEdge } from "../../../../platform/flows/graph/flow-graph.ts";
import type { StepState } from "../../../../platform/flows/run/error.ts";

/** Top left corner of a step, in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

export type Places = Readonly<Record<string, Place>>;

export interface StepData extends Record<string, unknown> {
  readonly name: string;
  /** What the step does, such as `fn charge`. */
  readonly text: string;
  readonly isFinally: boolean;
  readonly state: StepState | undefined;
  /** How many faults the text of the step has, and the first one. */
  readonly faults: readonly string[];
  readonly readOnly: boolean;
}

export type StepNode = Node<StepData, "step">;
export type LinkEdge = Edge<{ readonly kind: GraphEdge["kind"] }>;

export interface Painted {
  readonly graph: FlowGraph;
  readonly places: Places;
  readonly states: Readonly<Record<string, StepState>>;
  readonly faults: Readonly<Record<string, readonly string[]>>;
  readonly selected: string | undefined;
  readonly readOnly: boolean;
}

export const NODE_WIDTH = 208;
export const NODE_HEIGHT = 56;
const SIZE = { width: NODE_WIDTH, height: NODE_HEIGHT };
/** Said beforehand, so that nothing has to be measured while a step is dragged. Those of a canvas to look at are not seen. */
const HANDLES = [10, 0].map((size) => [
  handleAt("target", Position.Top, { y: 0, size }),
  handleAt("source", Position.Bottom, { y: NODE_HEIGHT, size }),
]);

/** Returns the nodes of React Flow. One that has not changed is the same object as before, so that it is not drawn again. */
export function nodesOf(painted: Painted, before: ReadonlyMap<string, StepNode>): StepNode[] {
  const { graph, places, states, faults, selected, readOnly } = painted;
  return graph.nodes.map(({ name, text, isFinally, state }, index) => {
    const position = places[name] ?? { x: 0, y: index * (NODE_HEIGHT + 40) };
    const data = {
      name,
      text,
      isFinally,
      state: states[name] ?? state,
      faults: faults[name] ?? [],
      readOnly,
    };
    const node: StepNode = {
      ...{ id: name, type: "step", position, data, selected: name === selected },
      ...{ ...SIZE, measured: SIZE, handles: HANDLES[readOnly ? 1 : 0]!, deletable: !readOnly },
      ariaLabel: labelOf(data),
    };
    const old = before.get(name);
    return old !== undefined && isSame(old, node) ? old : node;
  });
}

function isSame(old: StepNode, node: StepNode): boolean {
  const [a, b] = [old.data, node.data];
  return (
    old.position.x === node.position.x &&
    old.position.y === node.position.y &&
    old.selected === node.selected &&
    old.deletable === node.deletable &&
    old.ariaLabel === node.ariaLabel &&
    a.text === b.text &&
    a.state === b.state &&
    a.isFinally === b.isFinally &&
    a.faults.join("\n") === b.faults.join("\n")
  );
}

export function edgesOf({ graph, states, readOnly }: Painted): LinkEdge[] {
  return graph.edges.map(({ from, to, kind, text }) => {
    const isLeft = states[from] === (kind === "catch" ? "caught" : "done");
    const isDone = isLeft && states[to] !== "skipped" && states[to] !== undefined;
    return {
      ...{ id: linkId(kind, from, to), source: from, target: to, data: { kind } },
      ...(text === "" ? {} : { label: text }),
      className: `link ${kind}${isDone ? " passed" : ""}`,
      deletable: !readOnly,
      // Preact writes React's tabIndex as it stands, which SVG does not know.
      ...(!readOnly && { domAttributes: { tabindex: 0 } as object }),
      animated: states[to] === "running" || states[to] === "retrying",
      ariaLabel: kind === "needs" ? `${to} needs ${from}` : `${to} is the ${kind} of ${from}`,
    };
  });
}

export function linkId(kind: GraphEdge["kind"], from: string, to: string): string {
  return `${kind} ${from} ${to}`;
}

function labelOf({ name, text, state, faults }: StepData): string {
  const found = faults.length === 0 ? "" : `, ${faults.length === 1 ? "1 fault" : `${faults.length} faults`}`;
  return `Step ${name}: ${text}${state === undefined ? "" : `, ${state}`}${found}`;
}

function handleAt(
  type: "source" | "target",
  position: Position,
  { y, size }: { readonly y: number; readonly size: number },
) {
  return { type, position, x: (NODE_WIDTH - size) / 2, y: y - size / 2, width: size, height: size };
}
