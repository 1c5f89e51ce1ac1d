import type { UpstreamSink } from "../upstream/connection.ts";

/** Hears whether an instance answers at all. */
export class LifeSign implements UpstreamSink {
  readonly #onAnswer: () => void;

  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  onHead(): void {
    this.#onAnswer();
  }

  onStart(): void {}
  onInformation(): void {}
  onData(): void {}
  onReadEnd(): void {}
  onEnd(): void {}
  /** No sign: the platform has the time that it needs to find out. */
  onError(): void {}
}
