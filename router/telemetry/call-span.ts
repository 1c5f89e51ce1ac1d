import type { CallRecord } from "./call-record.ts";

/** A call's part of a trace, from its arrival to its end. */
export interface CallSpan {
  /** What goes on to the instance: its spans become children of this one, if this one is recorded. */
  readonly traceparent: string;
  end(call: CallRecord): void;
}

/** Records calls as spans. Never waits and never throws. */
export interface Tracer {
  /**
   * @param parent a valid `traceparent`; undefined begins a trace
   * @param agoMs time since the call arrived
   */
  begin(parent: string | undefined, agoMs: number): CallSpan;
}
