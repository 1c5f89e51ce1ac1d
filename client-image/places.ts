import { CALL_ID_HEADER } from "./start-message.ts";

/** At most `concurrency` plus this many calls wait; further ones are refused. */
const MOST_WAITING = 100;
/** A reservation without its call expires after this time. */
const RESERVED_MS = 2_000;

/** What places read of a call: a `Request` of Deno, or what the program host makes of one of Node. */
export interface PlacedRequest {
  readonly method: string;
  readonly headers: { get(name: string): string | null };
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
}

/** What becomes of an instance that takes one call in its life. */
export interface OneCall {
  /** Called when its place is taken or reserved: no other call gets it. */
  readonly taken: () => void;
  /** Called when its call has ended or did not come. `isAnswered`: there is a response, which may be on its way still. */
  readonly over: (isAnswered: boolean) => void;
  /** It refuses probes once its place is taken, so that nothing counts it as ready. */
  readonly refusesProbes: boolean;
}

/**
 * The `concurrency` places of an instance. A call holds one from its admission until its response was delivered, its
 * connection broke or its WebSocket closed, even if its handler runs longer. Other calls wait in order of arrival.
 */
export class Places {
  readonly oneCall: OneCall | undefined;
  readonly #limit: number;
  #taken = 0;
  /** Waiting calls in order of arrival. Each resolver is called once, with true when its call is admitted. */
  readonly #waiting = new Map<(isAdmitted: boolean) => void, PlacedRequest>();
  /** Timers of reserved places by call id. */
  readonly #reserved = new Map<string, ReturnType<typeof setTimeout> | undefined>();
  /** Held places, by whether their connections are watched. */
  readonly #unwatched = new Set<Place>();
  readonly #watched = new Set<Place>();
  #changed: () => void = () => {};
  readonly #onEnd = (place: Place): void => {
    if (!this.#unwatched.delete(place)) this.#watched.delete(place);
    this.#free(place.isAnswered);
  };

  /** @param oneCall set if the instance takes one call in its life */
  constructor(limit: number, oneCall?: OneCall) {
    this.#limit = oneCall === undefined ? limit : 1;
    this.oneCall = oneCall;
  }

  /** Its one place was taken: it takes no call any more. */
  get isSpent(): boolean {
    return this.oneCall !== undefined && this.#taken > 0;
  }

  /** Takes a free place, or the one that is reserved for the call. False if there is none. */
  take(request: PlacedRequest): boolean {
    if (this.#reserved.size > 0 && this.#claim(callIdOf(request))) return true;
    if (this.#taken >= this.#limit) return false;
    this.#taken++;
    this.oneCall?.taken();
    return true;
  }

  /** Frees one taken place. Bound, so that calls need no closure. */
  readonly release = (): void => {
    const [first] = this.#waiting.keys();
    if (first === undefined) this.#taken--;
    else {
      this.#waiting.delete(first);
      first(true);
    }
    this.#changed();
  };

  /**
   * Resolves with true when the call has a place, and with false after `waitMs` or when its client disconnects. With 0,
   * or if too many calls wait, it waits one turn only, in which Deno reports calls that have ended.
   * The place of an instance with one call in its life does not become free.
   */
  async wait(request: PlacedRequest, waitMs: number): Promise<boolean> {
    if (this.oneCall !== undefined) return false;
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

  /** Resolves when no call may be receiving its body, and no place is reserved for one. */
  async received(): Promise<void> {
    for (const [callId, timer] of this.#reserved) if (timer === undefined) this.#expire(callId);
    while (this.#isReceiving) {
      const { promise, resolve } = Promise.withResolvers<void>();
      // A call that is admitted now holds its place within this turn.
      this.#changed = () => setTimeout(resolve);
      await promise;
    }
  }

  get #isReceiving(): boolean {
    const held = [...this.#unwatched, ...this.#watched].map(({ request }) => request);
    return this.#reserved.size > 0 || [...held, ...this.#waiting.values()].some(mayHaveBody);
  }

  /** Tracks a taken place whose call goes on, so that it can be freed before the handler ends. */
  hold(request: PlacedRequest): Place {
    const place = new Place(request, this.#onEnd);
    this.#unwatched.add(place);
    if (this.#waiting.size > 0 || this.oneCall !== undefined) this.#watch(place);
    return place;
  }

  /**
   * Reserves a taken place for the call with this id. Where it is the only one in the life of the instance, the platform
   * ends the wait for a call that does not come: the first timer of a process takes Deno several milliseconds.
   */
  reserve(callId: string): void {
    this.#unreserve(callId);
    if (this.oneCall === undefined) this.#expire(callId);
    else this.#reserved.set(callId, undefined);
  }

  #expire(callId: string): void {
    this.#reserved.set(
      callId,
      setTimeout(() => this.#unreserve(callId), RESERVED_MS),
    );
  }

  /** Frees the place of the call with this id, or ends its wait. */
  giveUp(callId: string): void {
    for (const [resolve, request] of this.#waiting) {
      if (callIdOf(request) === callId && this.#waiting.delete(resolve)) resolve(false);
    }
    for (const place of [...this.#unwatched, ...this.#watched]) {
      if (callIdOf(place.request) === callId) place.end();
    }
    this.#unreserve(callId);
    // The router counts the instance as spent. The call broke off before it arrived.
    if (this.oneCall !== undefined && this.#taken === 0) {
      this.#taken++;
      this.oneCall.taken();
      this.#free(false);
    }
  }

  #free(isAnswered: boolean): void {
    if (this.oneCall === undefined) this.release();
    else {
      this.oneCall.over(isAnswered);
      this.#changed();
    }
  }

  #claim(callId: string): boolean {
    const timer = this.#reserved.get(callId);
    if (timer !== undefined) clearTimeout(timer);
    return this.#reserved.delete(callId);
  }

  #unreserve(callId: string): void {
    if (this.#claim(callId)) this.#free(false);
  }

  /** Adds the listener for a broken connection late, while another call waits: it costs a tenth of a small call. */
  #watch(place: Place): void {
    this.#unwatched.delete(place);
    this.#watched.add(place);
    const { signal } = place.request;
    if (signal.aborted) place.end();
    else signal.addEventListener("abort", place.end);
  }
}

/** The place of one call. */
export class Place {
  readonly request: PlacedRequest;
  readonly #onEnd: (place: Place) => void;
  /** Its handler has returned. */
  isAnswered = false;
  #hasEnded = false;

  constructor(request: PlacedRequest, onEnd: (place: Place) => void) {
    this.request = request;
    this.#onEnd = onEnd;
  }

  /** Frees the place. Idempotent. */
  readonly end = (): void => {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
  };
}

/** From the method alone: Deno lets nobody ask for the body of a request that became a WebSocket. */
export function mayHaveBody({ method }: PlacedRequest): boolean {
  return method !== "GET" && method !== "HEAD";
}

function callIdOf(request: PlacedRequest): string {
  return request.headers.get(CALL_ID_HEADER) ?? "";
}
