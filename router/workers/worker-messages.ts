import { inspect } from "node:util";
import type { ProcessMetrics } from "../../metrics/process-metrics.ts";
import type { Limits } from "../../platform/limits.ts";
import type { Endpoints, WakeStep } from "../../platform/platform.ts";
import { Problem, type ProblemCode, type ProblemExtensions } from "../../platform/problems.ts";
import type { FunctionStats, RouterTotals } from "../metrics/stats.ts";
import type { TelemetryOptions } from "../telemetry/telemetry.ts";

/**
 * What the primary process and its workers tell each other, over the channel that Node opens between a process and
 * its child. It keeps order and loses nothing while both live, and all rules of endpoints rely on that.
 */

/** What a worker does with new calls. */
export type WorkerState = "ready" | "leaving" | "draining";

/** From the primary to a worker. */
export type ToWorker =
  | StartWorker
  /** With the client's connection, which is the worker's from now on. */
  | { readonly type: "connection" }
  /** The endpoints of a function changed; absent: it is gone. Answered with `applied`. */
  | {
      readonly type: "endpoints";
      readonly change: number;
      readonly name: string;
      readonly endpoints?: Endpoints;
    }
  | { readonly type: "woken"; readonly id: number; readonly steps: readonly WakeStep[] }
  | { readonly type: "not-woken"; readonly id: number; readonly error: SentError }
  | { readonly type: "state"; readonly state: "leaving" }
  /** From now on new calls are refused; answered with `drained` when those under way have ended, or broken off. */
  | { readonly type: "state"; readonly state: "draining"; readonly drainMs: number }
  /** Answered with `stats`. */
  | { readonly type: "count" }
  /** Answered with `alive`. */
  | { readonly type: "ping" }
  /** Ends the process when what it holds of what was seen has been written, for at most so long. */
  | { readonly type: "end"; readonly withinMs: number };

/** The first message: all that a worker needs to know before the first connection. Answered with `ready`. */
export interface StartWorker {
  readonly type: "start";
  readonly limits: Limits;
  readonly headersMs?: number;
  /** The settings of what is seen of calls. */
  readonly env: TelemetryOptions["env"];
  /** Socket of the management API, for what is no call; absent: there is none in this program. */
  readonly management?: string;
  readonly functions: readonly Endpoints[];
}

/** From a worker to the primary. */
export type FromWorker =
  | { readonly type: "ready" }
  /** It cannot start, in words for the person who started Skiff; it ends. */
  | { readonly type: "failed"; readonly reason: string }
  /** All changes up to this one are applied: the next call goes by them. */
  | { readonly type: "applied"; readonly change: number }
  | { readonly type: "wake"; readonly id: number; readonly name: string; readonly version: number }
  | { readonly type: "loads"; readonly loads: readonly WorkerLoad[] }
  | { readonly type: "print"; readonly line: string }
  /** Some of the functions; the answer to `count` is over with the message that has the rest of it. */
  | { readonly type: "stats"; readonly functions: readonly FunctionStats[]; readonly rest?: WorkerTotals }
  | { readonly type: "drained" }
  | { readonly type: "alive"; readonly connections: number };

/** Instance, its calls, and the streams among them. */
export type InstanceCount = readonly [instance: string, calls: number, streams: number];

/** A load in which `byInstance` is data. */
export interface WorkerLoad {
  readonly name: string;
  readonly version: number;
  readonly inFlight: number;
  readonly waiting: number;
  /** Calls by instance; those without are left out. */
  readonly byInstance: readonly InstanceCount[];
}

export interface WorkerTotals {
  readonly totals: RouterTotals;
  readonly process: ProcessMetrics;
}

/** A Problem, or an error that nobody expected. */
export type SentError =
  | { readonly code: ProblemCode; readonly detail: string; readonly extensions: ProblemExtensions }
  | { readonly message: string };

/** An error as it goes between processes, which keep no classes. */
export function sendError(error: unknown): SentError {
  if (!(error instanceof Problem)) return { message: inspect(error) };
  const { code, detail, extensions } = error;
  return { code, detail, extensions };
}

export function receiveError(error: SentError): Error {
  return "code" in error ? new Problem(error.code, error.detail, error.extensions) : new Error(error.message);
}
