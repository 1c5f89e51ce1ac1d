import { setTimeout as pause } from "node:timers/promises";
import { isAway } from "../../../calling/away.ts";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

export interface PatienceOptions {
  /** Names the run in a line. */
  readonly what: string;
  readonly print: (line: string) => void;
}

/** Repeats what needs the store until it is back: a step that has run must not run again, whatever keeps its result from being stored. */
export class Patience {
  readonly #options: PatienceOptions;
  readonly #ending = new AbortController();
  #failing = 0;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** Whether something is being repeated. */
  get isTried(): boolean {
    return this.#failing > 0;
  }

  /** Undefined once `end` was called. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { what, print } = this.#options;
    const { signal } = this.#ending;
    let hasFailed = false;
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
        try {
          return await work();
        } catch (error) {
          if (!hasFailed && !isAway(error)) print(`${what} cannot be stored: ${(error as Error).message}`);
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
