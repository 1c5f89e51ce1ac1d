import { CALL_ID_HEADER } from "./start-message.ts";

/** `concurrency` and this many calls may wait; a further one is refused. */
const MOST_WAITING = 100;
/** A reservation expires when its call has not arrived by then. */
const RESERVED_MS = 2_000;

/**
 * The `concurrency` places of an instance. A call holds one from its admission until its response was delivered, its
 * connection broke or its WebSocket closed, however long its handler goes on. Over the limit calls are admitted in
 * order of arrival.
 */
export class Places {
  readonly #limit: number;
  #taken = 0;
  /** In order of arrival; each is called once, with true when the call is admitted. */
  readonly #waiting = new Map<(isAdmitted: boolean) => void, Request>();
  /** Timers of reserved places by the ids of their calls. */
  readonly #reserved = new Map<string, number>();
  /** Held places whose connections are not watched, and those whose are. */
  readonly #unwatched = new Set<Place>();
  readonly #watched = new Set<Place>();
  readonly #onEnd = (place: Place): void => {
    if (!this.#unwatched.delete(place)) this.#watched.delete(place);
    this.release();
  };

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes a place, which may be reserved for the call; false if there is none. */
  take(request: Request): boolean {
    if (this.#reserved.size > 0 && this.#claim(callIdOf(request))) return true;
    if (this.#taken >= this.#limit) return false;
    this.#taken++;
    return true;
  }

  /** Gives back one taken place. Bound, so that a call needs no closure of its own. */
  readonly release = (): void => {
    const [first] = this.#waiting.keys();
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
    this.#waiting.set(resolve, request);
    for (const place of this.#unwatched) this.#watch(place);
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
    this.#unwatched.add(place);
    if (this.#waiting.size > 0) this.#watch(place);
    return place;
  }

  /** Keeps a taken place for the call with this id. */
  reserve(callId: string): void {
    this.#unreserve(callId);
    this.#reserved.set(
      callId,
      setTimeout(() => this.#unreserve(callId), RESERVED_MS),
    );
  }

  /** Ends the call with this id, whether it waits, holds a place or has reserved one. */
  giveUp(callId: string): void {
    for (const [resolve, request] of this.#waiting) {
      if (callIdOf(request) === callId && this.#waiting.delete(resolve)) resolve(false);
    }
    for (const place of [...this.#unwatched, ...this.#watched]) {
      if (callIdOf(place.request) === callId) place.end();
    }
    this.#unreserve(callId);
  }

  #claim(callId: string): boolean {
    clearTimeout(this.#reserved.get(callId));
    return this.#reserved.delete(callId);
  }

  #unreserve(callId: string): void {
    if (this.#claim(callId)) this.release();
  }

  /** A signal adds a tenth to the cost of a small call: only calls that run while another one needs a place get one. */
  #watch(place: Place): void {
    this.#unwatched.delete(place);
    this.#watched.add(place);
    place.endWithConnection();
  }
}

/** The place of a call that goes on. */
export class Place {
  readonly request: Request;
  readonly #onEnd: (place: Place) => void;
  #hasEnded = false;

  constructor(request: Request, onEnd: (place: Place) => void) {
    this.request = request;
    this.#onEnd = onEnd;
  }

  /** Gives the place back; again it does nothing. */
  readonly end = (): void => {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
  };

  /** Ends when the connection breaks, also when it has broken already. */
  endWithConnection(): void {
    const { signal } = this.request;
    if (signal.aborted) this.end();
    else signal.addEventListener("abort", this.end);
  }
}

function callIdOf(request: Request): string {
  return request.headers.get(CALL_ID_HEADER) ?? "";
}
