import type { Trigger } from "../run/entry.ts";
import type { RunState, StepError, StepState } from "../run/error.ts";

/** What `NAME.test.yaml` holds: cases of a flow with mocked steps, and what is expected of each. */
export interface FlowCase {
  readonly name: string;
  /** `{}` by default. */
  readonly input: unknown;
  /** By default the run is begun through the API. */
  readonly trigger?: Trigger;
  /** When the run begins, in milliseconds since 1970; by default the start of 2026 in UTC. */
  readonly startMs: number;
  /** By step: one mock for all attempts, or one for each in the order in which they start; the last one stays. */
  readonly mocks: Readonly<Record<string, readonly Mock[]>>;
  /** Cancels the run this long after it began, in virtual time. */
  readonly cancelAfterMs?: number;
  readonly expect: Expectation;
}

/** How an attempt ends. Texts of `output` may hold expressions with `input` (what the step got), `item`, `index` and `attempt`. */
export type Mock = { readonly output: unknown } | { readonly error: MockError };

export interface MockError {
  /** By default `client_error` or `server_error`, as the status says. */
  readonly type?: string;
  readonly status?: number;
  readonly message?: string;
}

/** What is absent is not compared. */
export interface Expectation {
  readonly state?: RunState;
  readonly output?: { readonly value: unknown };
  readonly error?: Partial<StepError> & { readonly step?: string };
  readonly steps: Readonly<Record<string, StepExpectation>>;
}

export interface StepExpectation {
  readonly state?: StepState;
  readonly output?: { readonly value: unknown };
  /** What the first attempt got. */
  readonly input?: { readonly value: unknown };
  /** In all, of all items. */
  readonly attempts?: number;
  readonly error?: Partial<StepError>;
}
