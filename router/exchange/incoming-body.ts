/** Receives the body of a request. */
export interface BodySink {
  /** @param part belongs to the sink from then on */
  onData(part: Buffer): void;
  /** Called when everything that was read at once has been passed on. */
  onReadEnd(): void;
  /** @param trailers names as they were sent and values in turn */
  onEnd(trailers: readonly string[]): void;
  /** Called instead of `onEnd`: the body ended early, or its framing is not valid. */
  onBroken(reason: string): void;
}

/** The body of a request, as a server receives it. It is paused at first. */
export interface IncomingBody {
  readonly isChunked: boolean;
  /** In bytes; undefined while the end of a chunked body has not arrived. */
  readonly length: number | undefined;
  /** All of it has arrived. */
  readonly isComplete: boolean;
  /** Passes the body to `sink`, in calls of `resume` and later. Called once, before `resume`. */
  open(sink: BodySink): void;
  pause(): void;
  resume(): void;
  /** Discards the rest of it after the response. The connection closes if it does not end in time. */
  discard(): void;
}
