/** Whose time is up. */
export interface Alarmed {
  timeUp(): void;
}

/** Alarms that are kept for the next calls. */
const MOST_FREE = 1_024;

/**
 * A timer of node's that serves one call after another: setting it anew costs a fraction of making one and taking it
 * away. It keeps no process alive, which the connections of its call do.
 */
export class Alarm {
  owner: Alarmed | undefined;
  #delayMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Goes off once, after `delayMs`; what was set before is forgotten. */
  set(delayMs: number): void {
    if (this.#timer !== undefined && delayMs === this.#delayMs) {
      this.#timer.refresh();
      return;
    }
    clearTimeout(this.#timer);
    this.#delayMs = delayMs;
    this.#timer = setTimeout(ring, delayMs, this).unref();
  }

  /** Begins the time anew that it was set to. */
  restart(): void {
    this.#timer?.refresh();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** The alarms of a router's calls. Those without a call run down once, unheard. */
export class Alarms {
  readonly #free: Alarm[] = [];

  take(owner: Alarmed): Alarm {
    const alarm = this.#free.pop() ?? new Alarm();
    alarm.owner = owner;
    return alarm;
  }

  giveBack(alarm: Alarm): void {
    alarm.owner = undefined;
    if (this.#free.length < MOST_FREE) this.#free.push(alarm);
    else alarm.close();
  }

  close(): void {
    for (const alarm of this.#free.splice(0)) alarm.close();
  }
}

function ring(alarm: Alarm): void {
  alarm.owner?.timeUp();
}
