import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../../../calling/away.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Repeats what needs the store until it is back: a step that has run must not run again, whatever keeps its result from being stored. */
export class Patience {
  readonly #ending = new AbortController();
  #failing = 0;

  /** Whether something is being repeated. */
  get isTried(): boolean {
    return this.#failing > 0;
  }

  /** Undefined once `end` was called. Rejects with what is not that the store is away: the same would fail again. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#ending;
    let hasFailed = false;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        try {
          return await work();
        } catch (error) {
          if (!isAway(error)) throw error;
          if (!hasFailed) this.#failing++;
          hasFailed = true;
        }
        await pause(pauseMs, undefined, { signal }).catch(() => {});
      }
      return undefined;
    } finally {
      if (hasFailed) this.#failing--;
    }
  }

  end(): void {
    this.#ending.abort();
  }
}
