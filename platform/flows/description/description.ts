import type { Action, FlowDefinition } from "../definition/definition.ts";
import type { KeptValue, Trigger, WaitsFor } from "../run/entry.ts";
import type { StepError, StepState } from "../run/error.ts";

/** A run as people see it. Times are milliseconds since 1970. */
export interface RunDescription {
  readonly definition: FlowDefinition;
  /** Version of each function that steps call without one. */
  readonly functions: Readonly<Record<string, number>>;
  readonly trigger: Trigger;
  readonly traceparent: string;
  readonly input: KeptValue;
  /** Of a run that is done. */
  readonly output?: KeptValue;
  /** In the order of the definition, those of `finally` last. */
  readonly steps: readonly StepDescription[];
  /** What people did to the run: the newest 100. */
  readonly history: readonly HistoryEntry[];
}

export interface StepDescription {
  readonly name: string;
  readonly action: Action["kind"];
  readonly isFinally: boolean;
  readonly state: StepState;
  /** Of a skipped step. */
  readonly why?: "if" | "else" | "needs" | "catch";
  readonly error?: StepError;
  /** The step that its `catch` chose. */
  readonly then?: string;
  /** Of its first attempt. */
  readonly startedAt?: number;
  readonly endedAt?: number;
  /** Of a step that runs more than once, how many of its items or iterations are in each state. */
  readonly items?: ItemCounts;
  /** The newest 100; of a step that runs more than once, the last one of each item that has not ended well, the first 100 of them. */
  readonly attempts: readonly AttemptDescription[];
}

export interface ItemCounts {
  /** Of `while` those that began. */
  readonly total: number;
  readonly pending: number;
  readonly running: number;
  readonly waiting: number;
  readonly retrying: number;
  readonly done: number;
  readonly failed: number;
  readonly cancelled: number;
}

export interface AttemptDescription {
  readonly item?: number;
  /** From 1. */
  readonly attempt: number;
  readonly state: "running" | "waiting" | "done" | "failed" | "cancelled";
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly error?: StepError;
  /** Id of the call, which finds its lines and its trace. */
  readonly callId?: string;
  /** When the next attempt follows. */
  readonly retryAt?: number;
  /** What it waits for, or waited for, and until when at most. */
  readonly waitsFor?: WaitsFor;
  readonly until?: number;
}

export type HistoryEntry =
  | { readonly kind: "paused" | "resumed"; readonly at: number; readonly by: string }
  | { readonly kind: "cancelled"; readonly at: number; readonly by: string; readonly reason?: string }
  | {
      readonly kind: "retried";
      readonly at: number;
      readonly by: string;
      readonly from?: string;
      readonly item?: number;
    };
