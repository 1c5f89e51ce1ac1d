import type { Change } from "./changes.ts";
import { Draft } from "./draft.ts";
import { connect, disconnect } from "./links.ts";
import { removeMember } from "./members.ts";
import { mergeMember } from "./merge.ts";
import { addStep, removeStep, renameStep } from "./steps.ts";

export type LinkKind = "needs" | "else" | "catch";

/** What a person does to a flow in the canvas, the outline or a form. */
export type FlowEdit =
  | AddEdit
  | { readonly kind: "remove"; readonly step: string }
  | { readonly kind: "rename"; readonly step: string; readonly to: string }
  | ConnectEdit
  | { readonly kind: "disconnect"; readonly from: string; readonly to: string; readonly link: LinkKind }
  /** `path` such as `["steps", "charge", "retry"]` or `["on", "cron"]`. Undefined as value removes the member. */
  | { readonly kind: "set"; readonly path: readonly string[]; readonly value: unknown }
  /** Several at once: one step of undo. */
  | { readonly kind: "all"; readonly edits: readonly FlowEdit[] };

export interface AddEdit {
  readonly kind: "add";
  /** The name that is wished for; a number is added where there is a step of this name. */
  readonly name: string;
  /** Of the step, such as `{ fn: "charge", needs: ["check"] }`. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Below `finally`. */
  readonly isFinally?: boolean;
  /** The step after which it stands in the text; by default the last one. */
  readonly after?: string;
}

/** `to` is decided once `from` has ended. */
export interface ConnectEdit {
  readonly kind: "connect";
  readonly from: string;
  readonly to: string;
  readonly link: LinkKind;
  /** Of `catch`: what the rule catches; by default any error. */
  readonly on?: readonly string[];
}

export interface Edited {
  readonly text: string;
  /** In the order of the text, without overlaps. */
  readonly changes: readonly Change[];
  /** The name of the step that was added or renamed. */
  readonly step?: string;
}

/**
 * Changes the text of a flow where the edit asks for it and nowhere else: comments, order and format of all other lines stay.
 * @throws EditFault if the text cannot be read, or lacks what is to be changed
 */
export function applyEdit(text: string, edit: FlowEdit): Edited {
  const draft = new Draft(text);
  const step = apply(draft, edit);
  return { text: draft.text, changes: draft.changes, ...(step !== undefined && { step }) };
}

/** Returns the name of the step that is to be selected then. */
function apply(draft: Draft, edit: FlowEdit): string | undefined {
  switch (edit.kind) {
    case "add":
      return addStep(draft, edit);
    case "remove":
      removeStep(draft, edit.step);
      return undefined;
    case "rename":
      return renameStep(draft, edit.step, edit.to);
    case "connect":
      connect(draft, edit);
      return undefined;
    case "disconnect":
      disconnect(draft, edit);
      return undefined;
    case "set":
      if (edit.value === undefined) removeMember(draft, edit.path);
      else mergeMember(draft, edit.path, edit.value);
      return undefined;
    case "all":
      return edit.edits.map((each) => apply(draft, each)).findLast((name) => name !== undefined);
  }
}
