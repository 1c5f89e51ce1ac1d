import type { Change } from "./changes.ts";
import { Draft } from "./draft.ts";
import type { FlowEdit } from "./flow-edit.ts";
import { connect, disconnect } from "./links.ts";
import { removeMember } from "./members.ts";
import { mergeMember } from "./merge.ts";
import { addStep, removeStep, renameStep } from "./steps.ts";

export type { AddEdit, ConnectEdit, FlowEdit, LinkKind } from "./flow-edit.ts";

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

/** Returns the name of the step that was added or renamed. */
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
