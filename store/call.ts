/** Asynchronous calls and their records. Times are milliseconds since 1970. */
import type { RetryPolicy } from "../platform/events/retry-policy.ts";
import type { StoredBody } from "./bodies.ts";

/** A request as it will be sent. */
export interface StoredRequest<Body = StoredBody> {
  readonly method: string;
  /** With the query; begins with a slash. Relative to the function, or the path of the URL. */
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Body;
}

/**
 * Where a call goes. With `version` to that version of the function, otherwise where its traffic goes. A flow gets the input of
 * a run that begins.
 */
export type CallTarget =
  | { readonly function: string; readonly version?: number | undefined }
  | { readonly flow: string }
  | { readonly url: string };

/** Target and queue of commands, which the manager runs at the path of the request. */
export const COMMAND_TARGET = { url: "skiff:exec" } as const;
export const COMMAND_QUEUE = "exec";

export function isCommand(target: CallTarget): boolean {
  return "url" in target && target.url === COMMAND_TARGET.url;
}

/** Why a call exists. */
export type CallOrigin =
  | { readonly kind: "api" }
  /** `at` is the scheduled time. `manual`: by "run now". */
  | { readonly kind: "schedule"; readonly name: string; readonly at: number; readonly manual?: boolean }
  /** A delivery of an event. `name` and `group` may differ: several subscriptions can share a group. */
  | {
      readonly kind: "subscription";
      readonly name: string;
      readonly topic: string;
      readonly group: string;
      readonly position: number;
      readonly event: string;
      /** Who waits for the reply: `waiter.id` of the event. */
      readonly waiter?: string;
    }
  /** The outcome of another call. */
  | { readonly kind: "callback"; readonly call: string };

export interface NewCall {
  /** 32 hexadecimal digits that grow with time (UUIDv7, RFC 9562); `newCallId` makes one. */
  readonly id: string;
  /** Shares order, fairness and counts: `fn/NAME`, `flow/NAME`, `sub/NAME`, `exec` or `callback`. */
  readonly queue: string;
  readonly target: CallTarget;
  readonly request: StoredRequest;
  readonly policy: RetryPolicy;
  readonly origin: CallOrigin;
  readonly acceptedAt: number;
  /** Not before this time. */
  readonly dueAt: number;
  /** From -9 to 9; 0 by default. */
  readonly priority: number;
  /** Calls of a queue with the same key run one at a time, in the order of their acceptance. Empty for none. */
  readonly orderKey: string;
  /** Gets the outcome. */
  readonly callback?: string | undefined;
  /** Who made it, as in the audit log. */
  readonly by: string;
  /** Id of the key that made it, which may read it. */
  readonly keyId?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
  readonly idempotency?: Idempotency | undefined;
  /** Whether a record of a call that is done stays. Deliveries of events leave none; dead calls always do. */
  readonly keepsRecord: boolean;
}

export interface Idempotency {
  /** Such as `fn/NAME`. */
  readonly scope: string;
  readonly key: string;
  /** SHA-256 of what must be equal in a repeated request. */
  readonly fingerprint: string;
}

/** An attempt that ended. */
export interface Attempt {
  readonly number: number;
  readonly startedAt: number;
  readonly endedAt: number;
  /** The id that the router gave it; absent if it had none. */
  readonly callId?: string | undefined;
  /** Status of the response; absent without one. */
  readonly status?: number | undefined;
  /** Why it failed, as a sentence. */
  readonly error?: string | undefined;
}

export interface Answer<Body = StoredBody> {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Body;
  /** The body was longer than what is kept. */
  readonly isCut: boolean;
}

export type CallState = "waiting" | "running" | "done" | "dead" | "cancelled";

/** A record with the sizes of its bodies alone. */
export type CallHead = CallRecord<{ readonly bytes: number }>;

export interface CallRecord<Body = StoredBody>
  extends Omit<NewCall, "idempotency" | "keepsRecord" | "request"> {
  readonly request: StoredRequest<Body>;
  readonly state: CallState;
  readonly attempts: readonly Attempt[];
  /** When the attempt under way started. */
  readonly runningSince?: number | undefined;
  readonly endedAt?: number | undefined;
  /** Why it is dead. */
  readonly reason?: string | undefined;
  readonly answer?: Answer<Body> | undefined;
}
