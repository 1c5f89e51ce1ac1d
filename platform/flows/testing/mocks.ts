import type { Expressions } from "../expressions/expressions.ts";
import { ExpressionFault } from "../expressions/fault.ts";
import type { AttemptOf } from "../run/entry.ts";
import type { StepError } from "../run/error.ts";
import type { Mock, MockError } from "./cases.ts";

export type Mocked = { readonly output: unknown } | { readonly error: StepError };

/** Answers attempts in the order in which they start. */
export class Mocks {
  readonly #mocks: Readonly<Record<string, readonly Mock[]>>;
  readonly #expressions: Expressions;
  readonly #used = new Map<string, number>();

  constructor(mocks: Readonly<Record<string, readonly Mock[]>>, expressions: Expressions) {
    this.#mocks = mocks;
    this.#expressions = expressions;
  }

  /** Undefined: the step has no mock. Throws `ExpressionFault` if an expression of the mock fails. */
  next({ step, item, attempt }: AttemptOf, input: unknown): Mocked | undefined {
    const mocks = Object.hasOwn(this.#mocks, step) ? this.#mocks[step]! : [];
    const used = this.#used.get(step) ?? 0;
    this.#used.set(step, used + 1);
    const mock = mocks[Math.min(used, mocks.length - 1)];
    if (mock === undefined) return undefined;
    if ("error" in mock) return { error: errorOf(mock.error) };
    // The item of `each` is part of what the step got; its index is known here.
    const variables = { input, attempt, ...(item === undefined ? {} : { index: item }) };
    return { output: this.#value(mock.output, variables, step) };
  }

  #value(template: unknown, variables: Readonly<Record<string, unknown>>, step: string): unknown {
    try {
      return this.#expressions.evaluateTemplate(template, variables) ?? null;
    } catch (error) {
      if (!(error instanceof ExpressionFault)) throw error;
      throw new ExpressionFault(`The mock of step \`${step}\`: ${error.message}`);
    }
  }
}

/** As the engine makes an error of a response. */
function errorOf({ type, status, message }: MockError): StepError {
  const kind = type ?? (status !== undefined && status >= 500 ? "server_error" : "client_error");
  const text =
    message ?? (status === undefined ? `The mock failed with ${kind}.` : `The mock answered ${status}.`);
  return { type: kind, message: text, ...(status === undefined ? {} : { status }) };
}
