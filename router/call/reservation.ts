import type { UpstreamConnection, UpstreamSink } from "../upstream/connection.ts";
import type { UpstreamHead } from "../upstream/response-head.ts";

export interface ReservationOwner {
  /** The instance keeps a place for the call. */
  reserved(): void;
  /** The instance has no place. */
  busy(): void;
  /** There is no answer; no byte of the call has reached the instance. */
  notReserved(): void;
}

/** The answer of an instance that was asked for a place. */
export class Reservation implements UpstreamSink {
  connection: UpstreamConnection | undefined;
  readonly #owner: ReservationOwner;
  #isBusy = false;
  #isAnswered = false;

  constructor(owner: ReservationOwner) {
    this.#owner = owner;
  }

  onHead({ isBusy }: UpstreamHead): void {
    this.#isAnswered = true;
    this.#isBusy = isBusy;
  }

  onEnd(): void {
    if (this.#isBusy) this.#owner.busy();
    else this.#owner.reserved();
  }

  onError(): void {
    if (!this.#isAnswered) this.#owner.notReserved();
    else this.onEnd();
  }

  abort(): void {
    this.connection?.abort(this);
  }

  onStart(): void {}
  onInformation(): void {}
  onData(): void {}
  onReadEnd(): void {}
}
