/** What the expressions of one place of a flow may read. */
export interface Scope {
  /** Variables by name, without `steps`. */
  readonly variables: readonly string[];
  /** Steps that come before this place; undefined: there is no `steps` here. */
  readonly steps?: readonly string[] | undefined;
  /** The other steps of the flow, for messages. */
  readonly otherSteps?: readonly string[] | undefined;
  /** Where one of `otherSteps` is: this step, one that comes after it, or one that could be made to come before it. */
  readonly placeOf?: ((step: string) => "here" | "later" | "beside") | undefined;
  /** `run` has `state` and `error`. */
  readonly isFinally?: boolean | undefined;
  /** JSON schema of the variable `input`; undefined: it may be anything. */
  readonly input?: unknown;
}

/** What the value of an expression has to be: `bool` for a condition, `list` for `each`. */
export type Wanted = "any" | "bool" | "list";
