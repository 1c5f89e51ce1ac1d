import type { UpstreamConnection, UpstreamSink } from "./connection.ts";
import type { UpstreamHead } from "./response-head.ts";

/** `busy`: the instance has no place; `none`: it did not answer. */
export type ProbeResult = "free" | "busy" | "none";

/** A request that the instance answers without its function. */
export class Probe implements UpstreamSink {
  /** Set by the sender. */
  connection: UpstreamConnection | undefined;
  /** The instance has accepted the connection. */
  isStarted = false;
  #result: ProbeResult = "none";
  readonly #onResult: (result: ProbeResult) => void;

  /** @param onResult called once, unless the probe is aborted before */
  constructor(onResult: (result: ProbeResult) => void) {
    this.#onResult = onResult;
  }

  onHead({ isBusy }: UpstreamHead): void {
    this.#result = isBusy ? "busy" : "free";
  }

  onEnd(): void {
    this.#onResult(this.#result);
  }

  onError(): void {
    this.#onResult(this.#result);
  }

  abort(): void {
    this.connection?.abort(this);
  }

  onStart(): void {
    this.isStarted = true;
  }

  onInformation(): void {}
  onData(): void {}
  onReadEnd(): void {}
}
