/**
 * What a flow is. `parse.ts` makes a definition of a text, in which short forms are allowed; here every form is the long
 * one and everything has been checked. A definition is JSON: the first entry of a run embeds it.
 */
import type { EventFilter } from "../../events/subscription-spec.ts";

/** A text of the Common Expression Language, without `${` and `}`. */
export type Expression = string;

/** JSON in which texts may hold `${ EXPRESSION }`. A text that is one expression alone is its value, not a text. */
export type Template = unknown;

export interface FlowDefinition {
  readonly flow: string;
  readonly description?: string;
  readonly on: Triggers;
  /** JSON Schema (draft 2020-12) of the input. */
  readonly input?: Readonly<Record<string, unknown>> | boolean;
  readonly steps: Steps;
  /** Steps that run when the others have ended, whatever became of them. They see `run.state` and `run.error`. */
  readonly finally: Steps;
  /** The result of a run. By default the output of the only step that no other one needs, or those of all such steps by name. */
  readonly output?: Template;
  /** Longest time of a run in milliseconds; 30 days by default. `finally` comes after it. */
  readonly timeoutMs: number;
}

/** In the order of the text. Names are `[a-z][a-z0-9_]{0,62}`, so that they are names in expressions too; none is in both maps. */
export type Steps = Readonly<Record<string, Step>>;

export interface Triggers {
  readonly http?: HttpTrigger;
  readonly topics: readonly TopicTrigger[];
  readonly crons: readonly CronTrigger[];
}

/** `/flow/NAME/http` and what is below it. */
export interface HttpTrigger {
  /** A path below it, such as `/orders`, and what is below that; `/` by default. */
  readonly path: string;
  /** POST by default. */
  readonly methods: readonly string[];
  /** `key` by default. */
  readonly access: "public" | "key";
  /** The step whose output is the answer; without it the answer is 202. */
  readonly respond?: string;
  /** After this time the answer is 202 all the same; 30 s by default. */
  readonly waitMs: number;
}

/** Members as in `SubscriptionSpec`. */
export interface TopicTrigger {
  readonly topic: string;
  readonly filter?: EventFilter;
  readonly from?: string;
}

/** Members as in `ScheduleSpec`. */
export interface CronTrigger {
  readonly cron: string;
  readonly timeZone?: string;
  readonly overlap?: "skip" | "queue" | "allow";
  readonly missed?: "skip" | "once" | "all";
  readonly jitter?: string;
  /** `{}` by default. */
  readonly input?: unknown;
}

export interface Step {
  readonly action: Action;
  /** Steps that must have ended. The step is skipped if all of them were skipped. */
  readonly needs: readonly string[];
  /** Evaluated once, also of a loop. False: the step is skipped. */
  readonly if?: Expression;
  /** A step with `if`. This one runs when that one was skipped by its `if`; it has the needs of that one too. */
  readonly else?: string;
  /** The step runs once for each item of this list, which is `item`, at `index`. Its output is the list of outputs. */
  readonly each?: Expression | readonly Template[];
  /** Items at a time; 10 by default. */
  readonly concurrency: number;
  /** The step runs again while this is true; `iteration` counts from 0, `last` is the last output or null. Output: the last one. */
  readonly while?: Expression;
  /** Most iterations of `while`, after which the step fails with `too_many_iterations`. */
  readonly max?: number;
  /**
   * What the action gets: a body, data, standard input or an input. By default the output of the only need that was not skipped,
   * those of several by name, or the input of the run if there are no needs; with `each` the item.
   */
  readonly with?: Template;
  readonly retry?: StepRetry;
  /**
   * Longest time of an attempt, or of a wait, in milliseconds. By default: the function's `timeout`; 60 s (http, exec); 24 h (flow, wait for
   * an event); 7 days (approve).
   */
  readonly timeoutMs?: number;
  /** The first rule that matches an error decides. Without one the run fails. */
  readonly catch: readonly CatchRule[];
  /** Made of the raw output, which is `output`. With `each` or `while` of each one. */
  readonly output?: Template;
}

/** What is absent comes from the setting `retry` of the function, then from `DEFAULT_RETRY`. Only `fn`, `http` and `exec` are retried. */
export interface StepRetry {
  readonly attempts?: number;
  readonly backoffMs?: number;
  readonly maxAgeMs?: number;
  readonly on?: readonly string[];
}

export interface CatchRule {
  /** Types (`StepError.type`), statuses such as `404`, classes such as `5xx`; empty: any error. */
  readonly on: readonly string[];
  /** Exactly one of the two. `then` is a step that runs only so, with `steps.NAME.error`; what needs this one is skipped. */
  readonly then?: string;
  /** Takes the place of the output; with `each` of the item that failed. `error` is in it. */
  readonly output?: Template;
}

export type Action =
  | FnAction
  | HttpAction
  | PublishAction
  | ExecAction
  | FlowAction
  | WaitAction
  | WaitEventAction
  | ApproveAction;

export interface FnAction {
  readonly kind: "fn";
  readonly function: string;
  /** That version for all runs; by default the one that has traffic when the run begins. */
  readonly version?: number;
  /** POST by default. */
  readonly method: string;
  /** `/` by default. */
  readonly path: Template;
  readonly headers: Readonly<Record<string, Template>>;
}

export interface HttpAction {
  readonly kind: "http";
  readonly url: Template;
  /** GET without `with`, else POST. */
  readonly method: string;
  readonly headers: Readonly<Record<string, Template>>;
}

export interface PublishAction {
  readonly kind: "publish";
  readonly topic: string;
  /** `dev.skiff.flow` by default. */
  readonly type: string;
  readonly attributes: Readonly<Record<string, Template>>;
}

export interface ExecAction {
  readonly kind: "exec";
  /** `host` by default. */
  readonly image: string;
  readonly cmd: readonly Template[];
  readonly env: Readonly<Record<string, Template>>;
}

export interface FlowAction {
  readonly kind: "flow";
  readonly flow: string;
}

/** Exactly one of the two. */
export interface WaitAction {
  readonly kind: "wait";
  readonly forMs?: number;
  /** A time in ISO 8601, or a timestamp. */
  readonly until?: Expression;
}

/** Ends with an event of the topic, published since the run began, for which `by` equals `equals`. Its data is the output. */
export interface WaitEventAction {
  readonly kind: "event";
  readonly topic: string;
  readonly type?: string;
  /** Of the event: `event.data`, `event.type`, `event.subject` and other attributes. */
  readonly by: Expression;
  /** Of the run. */
  readonly equals: Expression;
}

/** Waits for `POST /flow/NAME/run/ID/approve`. Output: `{approved: true, by, at, comment, data}`. A refusal fails with `rejected`. */
export interface ApproveAction {
  readonly kind: "approve";
  readonly message: Template;
  /** Who may decide: names of callers such as `oidc ann@example.com`, or `key NAME` for each key of the name. By default anybody who may call. */
  readonly by?: readonly string[];
}
