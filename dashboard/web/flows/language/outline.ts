import { linksOf } from "../../../../platform/flows/definition/links.ts";
import { type FlowFault, type Sketch, sketchFlow } from "../../../../platform/flows/definition/parse.ts";
import { KEYS } from "../../../../platform/flows/definition/reading/keys.ts";
import { type FlowGraph, flowGraph, type GraphEdge } from "../../../../platform/flows/graph/flow-graph.ts";
import { placed } from "../../../../platform/flows/graph/layout.ts";

/** What is wrong with a text, and what is in it. */
export interface Checked {
  readonly faults: readonly FlowFault[];
  /** Undefined if the text is no object of YAML or JSON. */
  readonly outline?: FlowOutline;
}

export interface FlowOutline {
  /** The text as JSON. */
  readonly value: Readonly<Record<string, unknown>>;
  /** In the order of the text. */
  readonly steps: readonly OutlineStep[];
  readonly graph: FlowGraph;
  /** Top left corners, in pixels. */
  readonly places: Places;
}

export interface OutlineStep {
  readonly name: string;
  readonly isFinally: boolean;
  /** Line of its name, from 1. */
  readonly line: number;
  readonly action: ActionKey | undefined;
  /** What it does, such as `fn charge`. */
  readonly text: string;
  /** Links that lead to it. */
  readonly before: readonly Pick<GraphEdge, "from" | "kind">[];
  readonly faults: readonly string[];
  /** As it is written. */
  readonly members: Readonly<Record<string, unknown>>;
}

export type ActionKey = (typeof KEYS.action)[number];

/** Size of a step in the canvas, with room for its shadow. */
/** Top left corners of steps, in pixels. */
export type Places = Readonly<Record<string, { readonly x: number; readonly y: number }>>;

const NODE = { width: 208, height: 56 };
/** The defaults of SKIFF_FLOW_STEPS and SKIFF_FLOW_ITEMS; a Skiff with others judges at the deploy. */
const LIMITS = { flowSteps: 1_000, flowItems: 10_000 };

/** @param name under which the flow is stored; undefined for a new one */
export function checkText(text: string, name: string | undefined): Checked {
  const sketch = sketchFlow(text, { name: name ?? nameIn(text), limits: LIMITS });
  const { value, faults } = sketch;
  if (!isObject(value)) return { faults };
  return { faults, outline: outlineOf(value, sketch) };
}

function outlineOf(
  value: Readonly<Record<string, unknown>>,
  { definition, faults, lineOf }: Sketch,
): FlowOutline {
  const { steps, finally: last } = definition ?? { steps: {}, finally: {} };
  const sketched = flowGraph(
    definition ?? { flow: "", on: { topics: [], crons: [] }, steps, finally: last, timeoutMs: 0 },
  );
  const links = Map.groupBy(linksOf({ ...steps, ...last }), ({ to }) => to);
  const found = ["steps", "finally"].flatMap((list) =>
    Object.entries(isObject(value[list]) ? value[list] : {}).map(([name, step]): OutlineStep => {
      const members = isObject(step) ? step : {};
      const action = KEYS.action.find((key) => members[key] !== undefined);
      const pointer = `/${list}/${name}`;
      const own = faults.filter(
        (fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`),
      );
      const hasAction = !own.some(
        (fault) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/${action}`),
      );
      const text = sketched.nodes.find((node) => node.name === name)?.text;
      return {
        name,
        isFinally: list === "finally",
        line: lineOf([list, name]),
        action,
        text: hasAction && text !== undefined ? text : `${action ?? "no action"} …`,
        before: (links.get(name) ?? []).map(({ from, kind }) => ({ from, kind })),
        faults: own.map(({ message }) => message),
        members,
      };
    }),
  );
  const texts = new Map(found.map(({ name, text }) => [name, text]));
  const graph = {
    ...sketched,
    nodes: sketched.nodes.map((node) => ({ ...node, text: texts.get(node.name) ?? node.text })),
  };
  return { value, steps: found, graph, places: placesOf(graph) };
}

/** Returns the top left corner of each step. */
export function placesOf(graph: FlowGraph): Places {
  const { nodes } = placed(graph, NODE);
  return Object.fromEntries(
    nodes.map(({ name, x, y }) => [name, { x: x - NODE.width / 2, y: y - NODE.height / 2 }]),
  );
}

/** A new flow has the name of its text, or none yet. */
function nameIn(text: string): string | undefined {
  return /^["'{\s]*flow["']?:/m.test(text) ? undefined : "new";
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
