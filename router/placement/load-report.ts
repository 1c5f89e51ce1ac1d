import type { Load } from "../../platform/platform.ts";

/**
 * Tells the platform of a function's load: the first change of a turn of the event loop at once, what
 * follows in the same turn as one more report at its end. 500 calls that arrive together cost two.
 */
export class LoadReport {
  readonly #read: () => Load;
  readonly #report: (load: Load) => void;
  #held = false;
  #changed = false;
  readonly #release = () => {
    this.#held = false;
    if (!this.#changed) return;
    this.#changed = false;
    this.#report(this.#read());
  };

  constructor(read: () => Load, report: (load: Load) => void) {
    this.#read = read;
    this.#report = report;
  }

  changed(): void {
    if (this.#held) {
      this.#changed = true;
      return;
    }
    this.#held = true;
    setImmediate(this.#release);
    this.#report(this.#read());
  }

  /** Told at the end of the turn only: nobody waits for an instance, and the call goes first. */
  changedInFlight(): void {
    this.#changed = true;
    if (this.#held) return;
    this.#held = true;
    setImmediate(this.#release);
  }
}
