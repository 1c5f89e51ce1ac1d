/** What a timer is for. */
export interface TimerOwner {
  timedOut(): void;
}

/** Timers kept for the next calls. */
const MOST_FREE = 1_024;

/**
 * A timer that serves one call after another: restarting it costs a fraction of creating and clearing one. It
 * keeps no process alive; the connections of its call do.
 */
export class Timer {
  owner: TimerOwner | undefined;
  #delayMs = 0;
  #timeout: NodeJS.Timeout | undefined;

  /** Fires once, after `delayMs`, and replaces what was set before. */
  set(delayMs: number): void {
    if (this.#timeout !== undefined && delayMs === this.#delayMs) {
      this.#timeout.refresh();
      return;
    }
    clearTimeout(this.#timeout);
    this.#delayMs = delayMs;
    this.#timeout = setTimeout(fire, delayMs, this).unref();
  }

  restart(): void {
    this.#timeout?.refresh();
  }

  close(): void {
    clearTimeout(this.#timeout);
    this.#timeout = undefined;
  }
}

/** The timers of a router's calls. One without a call fires once, without effect. */
export class Timers {
  readonly #free: Timer[] = [];

  take(owner: TimerOwner): Timer {
    const timer = this.#free.pop() ?? new Timer();
    timer.owner = owner;
    return timer;
  }

  giveBack(timer: Timer): void {
    timer.owner = undefined;
    if (this.#free.length < MOST_FREE) this.#free.push(timer);
    else timer.close();
  }

  close(): void {
    for (const timer of this.#free.splice(0)) timer.close();
  }
}

function fire(timer: Timer): void {
  timer.owner?.timedOut();
}
