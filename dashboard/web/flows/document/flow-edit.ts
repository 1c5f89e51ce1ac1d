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
