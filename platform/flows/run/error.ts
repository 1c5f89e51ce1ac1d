/** Why an attempt, a step or a run failed. */
export interface StepError {
  /**
   * `timeout`, `connection`, `expression_failed`, `rejected`, `cancelled` (the run of a flow), `too_many_iterations`,
   * `output_too_large`, `invalid_output` (nested too deeply), `redirected`, `event_too_large`, a code of problems.ts, or `code` of a problem document that the function answered; `client_error` or `server_error` otherwise.
   */
  readonly type: string;
  /** Status of the response. */
  readonly status?: number;
  /** A sentence: what happened, which value, what to do. */
  readonly message: string;
  /** Item or iteration that failed. */
  readonly item?: number;
}

/** States of a run, which are apart: `waiting` for something outside, `retrying` at a known time. */
export type RunState =
  | "queued"
  | "running"
  | "waiting"
  | "retrying"
  | "paused"
  | "done"
  | "failed"
  | "cancelled";

export const LIVE_STATES = [
  "queued",
  "running",
  "waiting",
  "retrying",
  "paused",
] as const satisfies readonly RunState[];
export const ENDED_STATES = ["done", "failed", "cancelled"] as const satisfies readonly RunState[];

export type StepState =
  | "pending"
  | "running"
  | "waiting"
  | "retrying"
  | "done"
  | "skipped"
  | "caught"
  | "failed"
  | "cancelled";
