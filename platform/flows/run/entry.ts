/**
 * The stream of a run. State is a fold of its entries (fold.ts), so that whoever reads them knows as much as the engine that
 * wrote them. Entries are JSON. Times are milliseconds since 1970.
 */
import type { FlowDefinition } from "../definition/definition.ts";
import type { StepError } from "./error.ts";

/** Up to 64 KiB of JSON are in the entry; more are a body of the store (store/bodies.ts). */
export type KeptValue = KeptJson | KeptBody;

export interface KeptJson extends SentAs {
  readonly json: unknown;
}

interface SentAs {
  /** Media type that a text came with, and goes with if it is handed on whole. Absent for `text/plain`, and for values that are no texts. */
  readonly sentAs?: string;
}

export interface KeptBody extends SentAs {
  /** Id of the body. */
  readonly body: string;
  readonly bytes: number;
  /** `application/json` is a value for expressions, up to SKIFF_FLOW_OUTPUT. Anything else, and more, can only be handed on whole. */
  readonly type: string;
}

/** Who or what began a run; `trigger` in expressions. */
export type Trigger =
  | { readonly kind: "api"; readonly by: string }
  | { readonly kind: "http"; readonly request: TriggerRequest }
  | { readonly kind: "topic"; readonly event: Readonly<Record<string, unknown>> }
  | { readonly kind: "cron"; readonly schedule: string; readonly at: number }
  | {
      readonly kind: "flow";
      readonly flow: string;
      readonly run: string;
      readonly step: string;
      readonly item?: number;
    };

export interface TriggerRequest {
  readonly method: string;
  /** Below the path of the trigger, without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** By lower-case name, without credentials. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Begun {
  readonly kind: "begun";
  readonly at: number;
  readonly run: string;
  readonly definition: FlowDefinition;
  /** Version of the flow. */
  readonly version: number;
  /** Version of each function that the definition names, as its traffic was. One that is absent had none: it is called without. */
  readonly functions: Readonly<Record<string, number>>;
  readonly trigger: Trigger;
  readonly input: KeptValue;
  /** 0 for a run that no other one began. */
  readonly depth: number;
  readonly traceparent: string;
}

/** An attempt of a step, or of an item of `each`, or of an iteration of `while`; `item` counts from 0. */
export interface AttemptOf {
  readonly step: string;
  readonly item?: number;
  /** From 1. Numbers go on after a retry by hand. */
  readonly attempt: number;
}

export type Entry =
  | Begun
  /** A list was evaluated: the step has that many items. */
  | { readonly kind: "listed"; readonly at: number; readonly step: string; readonly items: number }
  /** An attempt may be under way from now on. A crash repeats it with the same number. */
  | ({ readonly kind: "started"; readonly at: number } & AttemptOf)
  /** The attempt waits for something that comes by itself; from `at` to `until` at most. */
  | ({
      readonly kind: "waiting";
      readonly at: number;
      readonly until: number;
      readonly for: WaitsFor;
    } & AttemptOf)
  | ({
      readonly kind: "done";
      readonly at: number;
      readonly output: KeptValue;
      readonly callId?: string;
      /** Of the event that ended a wait: no other wait of the run for the same takes it. */
      readonly position?: number;
    } & AttemptOf)
  /** `retryAt`: another attempt follows then. `output`: a rule of `catch` puts it in place of an output. Otherwise it is final. */
  | ({
      readonly kind: "failed";
      readonly at: number;
      readonly error: StepError;
      readonly callId?: string;
      readonly retryAt?: number;
      readonly output?: KeptValue;
      /** As of `done`. */
      readonly position?: number;
    } & AttemptOf)
  /** A step that runs more than once has its output, or one that failed before its first attempt was caught. */
  | { readonly kind: "settled"; readonly at: number; readonly step: string; readonly output: KeptValue }
  | {
      readonly kind: "caught";
      readonly at: number;
      readonly step: string;
      readonly error: StepError;
      readonly then: string;
    }
  | {
      readonly kind: "skipped";
      readonly at: number;
      readonly step: string;
      readonly why: "if" | "else" | "needs" | "catch";
    }
  | { readonly kind: "stepFailed"; readonly at: number; readonly step: string; readonly error: StepError }
  /** The run fails though no step did: its time is up, or its output cannot be made. As `cancelling`; `step` is the last one. */
  | { readonly kind: "runFailed"; readonly at: number; readonly step: string; readonly error: StepError }
  | { readonly kind: "paused" | "resumed"; readonly at: number; readonly by: string }
  /** No further step starts. What is under way ends, waits end at once, then `finally` runs. */
  | { readonly kind: "cancelling"; readonly at: number; readonly by: string; readonly reason?: string }
  /**
   * Steps from this one on (or this item alone, and what follows) run again, and all that have not ended well; earlier outputs stay.
   * Without `from` only the latter, and of `each` and `while` only what is not done.
   */
  | {
      readonly kind: "reopened";
      readonly at: number;
      readonly by: string;
      readonly from?: string;
      readonly item?: number;
      /** Takes the place of that in `begun` from now on. */
      readonly functions?: Begun["functions"];
    }
  | { readonly kind: "ended"; readonly at: number; readonly state: "done"; readonly output: KeptValue }
  | {
      readonly kind: "ended";
      readonly at: number;
      readonly state: "failed";
      readonly step: string;
      readonly error: StepError;
    }
  | {
      readonly kind: "ended";
      readonly at: number;
      readonly state: "cancelled";
      readonly by: string;
      readonly reason?: string;
    };

export type WaitsFor =
  | { readonly kind: "time" }
  | {
      readonly kind: "event";
      readonly topic: string;
      readonly type?: string;
      readonly by: string;
      readonly equals: unknown;
    }
  | { readonly kind: "approval"; readonly message: string; readonly by?: readonly string[] }
  | { readonly kind: "flow"; readonly flow: string; readonly run: string };
