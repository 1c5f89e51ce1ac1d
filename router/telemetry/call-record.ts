import type { WakeStep } from "../../platform/platform.ts";
import type { ProblemCode } from "../../platform/problems.ts";
import type { RequestHead } from "../exchange/request.ts";

/** A call that is over, for the access log and its span. */
export interface CallRecord {
  readonly id: string;
  readonly request: RequestHead;
  /** Undefined where it was refused before its function was known. */
  readonly functionName: string | undefined;
  /** Undefined where no instance had it. */
  readonly version: number | undefined;
  readonly instance: string | undefined;
  /** What the client got; 0 if it left before there was an answer. */
  readonly status: number;
  /** The connection broke before the answer was whole. */
  readonly isAborted: boolean;
  readonly durationMs: number;
  /** Time that it waited for an instance. */
  readonly waitedMs: number;
  /** Bytes of the body that arrived. */
  readonly requestBytes: number;
  /** Bytes that were sent to the client, the head among them. */
  readonly responseBytes: number;
  /** Why Skiff answered, or broke off, instead of the function. */
  readonly code: ProblemCode | undefined;
  /** It came when nothing was ready. */
  readonly isCold: boolean;
  /** The steps of the waking that it waited for, where they are known. */
  readonly wakeSteps: readonly WakeStep[];
  readonly retries: number;
  /** What the instance got, or would have got. */
  readonly traceparent: string | undefined;
}
