/** `concurrency` and this many calls may wait; a further one is refused. */
const MOST_WAITING = 100;

/**
 * The `concurrency` places of an instance. A call holds one from its admission until its response was delivered, its
 * connection broke or its WebSocket closed, however long its handler goes on. Over the limit calls are admitted in
 * order of arrival.
 */
export class Places {
  readonly #limit: number;
  #taken = 0;
  /** In order of arrival; called once, with true when the call is admitted. */
  readonly #waiting = new Set<(isAdmitted: boolean) => void>();
  /** Held places whose connection nobody watches. */
  readonly #unwatched = new Set<Place>();
  readonly #onEnd = (place: Place): void => {
    this.#unwatched.delete(place);
    this.release();
  };

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a place; false if there is none. */
  take(): boolean {
    if (this.#taken >= this.#limit) return false;
    this.#taken++;
    return true;
  }

  /** Gives a place back, once for each that was taken. Bound, so that a call needs no function of its own. */
  readonly release = (): void => {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#taken--;
      return;
    }
    this.#waiting.delete(first);
    first(true);
  };

  /**
   * Resolves with true when the call has a place, and with false after `waitMs` or when its client has left. With 0, or
   * when too many wait, it gets only the place of a call that has ended already, which Deno reports within a turn.
   */
  async wait(request: Request, waitMs: number): Promise<boolean> {
    const mayWait = waitMs > 0 && this.#waiting.size < this.#limit + MOST_WAITING;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const leave = () => {
      if (this.#waiting.delete(resolve)) resolve(false);
    };
    this.#waiting.add(resolve);
    this.#watchConnections();
    if (!mayWait) {
      await null;
      leave();
      return promise;
    }
    const timer = setTimeout(leave, waitMs);
    request.signal.addEventListener("abort", leave);
    const isAdmitted = await promise;
    clearTimeout(timer);
    request.signal.removeEventListener("abort", leave);
    return isAdmitted;
  }

  /** Follows a taken place whose call goes on: it can be released before the handler has finished. */
  hold(request: Request): Place {
    const place = new Place(request, this.#onEnd);
    if (this.#waiting.size > 0) place.watchConnection();
    else this.#unwatched.add(place);
    return place;
  }

  /** Watching costs as much as a call, so it begins only when somebody needs a place. */
  #watchConnections(): void {
    for (const place of this.#unwatched) place.watchConnection();
    this.#unwatched.clear();
  }
}

/** The place of a call that goes on. */
export class Place {
  readonly #request: Request;
  readonly #onEnd: (place: Place) => void;
  #hasEnded = false;

  constructor(request: Request, onEnd: (place: Place) => void) {
    this.#request = request;
    this.#onEnd = onEnd;
  }

  /** Gives the place back; again it does nothing. */
  readonly end = (): void => {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
  };

  /** Ends when the connection breaks, also when it has broken already. */
  watchConnection(): void {
    const { signal } = this.#request;
    if (signal.aborted) this.end();
    else signal.addEventListener("abort", this.end);
  }
}
