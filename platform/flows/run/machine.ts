import type { RetrySettings } from "../../events/retry-policy.ts";
import type { Expressions } from "../expressions/expressions.ts";
import type { AttemptOf, Entry, KeptBody, KeptValue } from "./entry.ts";
import type { StepError } from "./error.ts";
import type { RunRow } from "./row.ts";
import type { Signal } from "./signal.ts";

/**
 * The fold of a run, and the rules of what follows. It is pure: it makes no call, has no clock, and evaluates expressions alone. Its
 * owner tells it what happened (`ended`, `signalled`), asks what follows (`advance`), stores the entries, and only then does what
 * the decision says. A machine whose entries could not be stored is thrown away.
 */
export interface RunMachine {
  /** Number of the last entry, those of decisions included. One with `missing` has none. */
  readonly sequence: number;
  /** Signals that it was told and has not dealt with: the last ones. Nothing but the machine knows of them and of `resultsLeft`. */
  readonly signalsLeft: number;
  readonly resultsLeft: number;
  /** An attempt ended. Ignored if nobody waits for it any more: a late result. */
  ended(of: AttemptOf, result: AttemptResult, now: number): void;
  /** Ignored if it does not apply any more. */
  signalled(signal: Signal, now: number): void;
  /** Its owner cannot go on: ends what is under way, and the run as failed, after `finally`. */
  broken(error: StepError, now: number): void;
  /**
   * What follows by now from the state and all that it was told since the last decision. Costs what is new, not what was. If
   * `missing` is not empty, the owner loads these bodies and asks again. The first decision of a restored machine starts the
   * attempts again that were under way, with the same numbers. One that has cost enough leaves the rest, whatever it is, to the next
   * one: `row.wakeAt` is now then.
   */
  advance(now: number): Decision;
  /** The events that it waits for, and since when. */
  waits(): readonly OpenWait[];
  /** JSON text for `restoreMachine`. */
  checkpoint(): string;
}

export interface MachineOptions {
  readonly limits: { readonly flowItems: number; readonly flowOutputBytes: number };
  /** From 0 to below 1, for the jitter of retries. */
  readonly random: () => number;
  /** Value of a body of JSON that was loaded; undefined: `missing`. Of a list the `KeptValue` that it was made. */
  readonly value: (body: Missing) => { readonly json: unknown } | undefined;
  /** The setting `retry` of a function. */
  readonly retryOf: (name: string) => RetrySettings | undefined;
  /** Most bytes of an event of a topic; absent: any. */
  readonly mostEventBytes?: ((topic: string) => number) | undefined;
  /** Id of a new run (store/call-id.ts). */
  readonly newId: (now: number) => string;
  /** Entries of a decision after which loops wait for the next one, so that neither its append nor its evaluations take long; 500 by default. */
  readonly manyEntries?: number | undefined;
  /** Units of evaluation (expressions/evaluation/meter.ts) after which a decision leaves the rest to the next one; 500,000 by default. */
  readonly manyUnits?: number | undefined;
  /** Compiled expressions, which many machines may share. */
  readonly expressions: Expressions;
}

export type AttemptResult =
  | { readonly output: KeptValue; readonly callId?: string | undefined }
  /** `isFinal`: not to be retried whatever the policy says. */
  | {
      readonly error: StepError;
      readonly callId?: string | undefined;
      readonly isFinal?: boolean | undefined;
      readonly retryAfterMs?: number | undefined;
    }
  /** Code of the problem (problems.ts) for which Skiff could not make the call for now. Nothing has run: the same attempt is made again later. */
  | { readonly refused: string; readonly retryAfterMs: number };

export interface Decision {
  /** To append, in this order. The machine has applied them. Long loops take several decisions: `row.wakeAt` is now then. */
  readonly entries: readonly Entry[];
  readonly row: RunRow;
  /** Attempts to make once the entries are stored. */
  readonly starts: readonly Start[];
  /** Attempts under way whose results nobody wants any more. */
  readonly aborts: readonly AttemptOf[];
  /** To store with the entries: events, runs to begin, runs to cancel, waits for events that begin and that are over. */
  readonly publishes: readonly PublishedEvent[];
  readonly children: readonly ChildRun[];
  readonly cancels: readonly string[];
  readonly waits: readonly WaitOf[];
  readonly waitsOver: readonly Pick<AttemptOf, "step" | "item">[];
  /** Bodies to load before `advance` is called again; everything else is empty then. */
  readonly missing: readonly Missing[];
}

/** A body to load, or with `list` one to make: a list of JSON of these values. */
export interface Missing extends KeptBody {
  readonly list?: readonly KeptValue[];
}

/** An attempt to make. */
export interface Start extends AttemptOf {
  /**
   * `RUN.STEP.ATTEMPT` or `RUN.STEP.ITEM.ATTEMPT`: the same after a crash.
   */
  readonly idempotencyKey: string;
  readonly timeoutMs?: number | undefined;
  readonly send: Sending;
}

/** `none` is an empty body. A text is sent as what it came as, or as `text/plain`, a body as its type, everything else as JSON. */
export type Payload = "none" | KeptValue;

export type Sending =
  | {
      readonly kind: "fn";
      readonly function: string;
      readonly version?: number | undefined;
      /** The run chose the version when it began, not the definition: if it is gone, the present ones are called. */
      readonly isReplaceable?: true;
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly payload: Payload;
    }
  | {
      readonly kind: "http";
      readonly url: string;
      readonly method: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly payload: Payload;
    }
  | {
      readonly kind: "exec";
      readonly image: string;
      readonly cmd: readonly string[];
      readonly env: Readonly<Record<string, string>>;
      readonly payload: Payload;
    };

export interface PublishedEvent {
  readonly topic: string;
  /** The idempotency key of the attempt. */
  readonly id: string;
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly payload: Payload;
}

export interface ChildRun extends AttemptOf {
  /** Its id, which the machine chose. */
  readonly run: string;
  readonly flow: string;
  readonly input: KeptValue;
}

export interface OpenWait extends WaitOf {
  readonly since: number;
  /** Positions of events that other waits of the run for the same have taken. */
  readonly taken: ReadonlySet<number>;
}

export interface WaitOf extends Pick<AttemptOf, "step" | "item"> {
  readonly topic: string;
  readonly type?: string | undefined;
  readonly by: string;
  readonly equals: unknown;
}
