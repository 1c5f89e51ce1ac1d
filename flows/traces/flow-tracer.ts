/** A part of a run, which has ended. */
export interface FlowSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined begins a trace. */
  readonly parentId: string | undefined;
  /** Something else was called. */
  readonly isCall: boolean;
  /** Milliseconds since 1970, as all times. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
}

/** Records runs as spans. Never waits and never throws. */
export interface FlowTracer {
  /** Spans that were not exported. */
  readonly dropped: number;
  /**
   * Returns whether the spans of a run are recorded.
   * @param parent a valid `traceparent`; undefined if the run begins the trace
   */
  samples(traceId: string, parent: string | undefined): boolean;
  record(span: FlowSpan): void;
  /** Exports the spans that wait, for at most `withinMs`. */
  close(withinMs: number): Promise<void>;
}
