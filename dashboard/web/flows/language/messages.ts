import type { Conversion } from "../../../../platform/flows/convert/klusterfuck.ts";
import type { EditorSchema } from "../../../../platform/flows/definition/schema/parts.ts";
import type { FlowGraph } from "../../../../platform/flows/graph/flow-graph.ts";
import type { Edited, FlowEdit } from "../document/edit.ts";
import type { Completions, Names } from "./completion.ts";
import type { Checked, Places } from "./outline.ts";
import type { Sample, Sent } from "./sample.ts";

/** What the worker does, by name: what it gets and what it answers. */
export interface Tasks {
  readonly check: {
    readonly gets: { readonly text: string; readonly name: string | undefined };
    readonly answers: Checked;
  };
  /** Where a layout puts the steps of a graph. */
  readonly place: { readonly gets: FlowGraph; readonly answers: Places };
  readonly edit: {
    readonly gets: { readonly text: string; readonly edit: FlowEdit };
    readonly answers: Edited;
  };
  readonly complete: {
    readonly gets: { readonly text: string; readonly offset: number; readonly names: Names };
    readonly answers: Completions | null;
  };
  readonly schema: { readonly gets: null; readonly answers: EditorSchema };
  readonly send: {
    readonly gets: { readonly members: Readonly<Record<string, unknown>>; readonly sample: Sample };
    readonly answers: Sent;
  };
  readonly convert: {
    readonly gets: { readonly json: string; readonly name: string | undefined };
    readonly answers: Conversion;
  };
  /** YAML as a value. */
  readonly read: { readonly gets: string; readonly answers: unknown };
}

export type TaskName = keyof Tasks;

export interface Request {
  readonly id: number;
  readonly task: TaskName;
  readonly input: unknown;
}

export type Answer =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly fault: string };
