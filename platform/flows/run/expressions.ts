import type { Expression, Template } from "../definition/definition.ts";

/** Evaluates expressions and templates. It keeps what it compiled; whoever makes it bounds that. */
export interface Expressions {
  /** Value as JSON. Throws an Error whose message is a sentence. */
  evaluate(expression: Expression, variables: Variables): unknown;
  evaluateTemplate(template: Template, variables: Variables): unknown;
  /** What an expression reads, so that nothing else is loaded. */
  namesIn(expression: Expression): Names;
  namesInTemplate(template: Template): Names;
}

/** By name, such as `input` and `steps`. Times are `Date`. */
export type Variables = Readonly<Record<string, unknown>>;

export interface Names {
  /** Names of variables, such as `input`. */
  readonly variables: ReadonlySet<string>;
  /** `steps.NAME`. */
  readonly steps: ReadonlySet<string>;
}
