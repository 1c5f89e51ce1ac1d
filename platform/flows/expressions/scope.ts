/** What the expressions of one place of a flow may read. */
export interface Scope {
  /** Variables by name, without `steps`. */
  readonly variables: readonly string[];
  /** Steps that come before this place; undefined: there is no `steps` here. */
  readonly steps?: readonly string[] | undefined;
  /** The other steps of the flow, for messages. */
  readonly otherSteps?: readonly string[] | undefined;
}
