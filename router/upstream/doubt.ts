import { Probe, type ProbeResult } from "./probe.ts";

/**
 * Time in which the platform detects the end of an instance, in milliseconds. A killed instance loses its
 * connections before its socket: calls in between would be lost, although none of their bytes was read.
 */
const PATIENCE_MS = 500;
/** First and longest pause between two probes, in milliseconds. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

export interface DoubtOptions {
  readonly send: (probe: Probe) => void;
  /** Called once, unless the doubt is ended before. */
  readonly onOver: () => void;
}

/**
 * Probes an instance that refused a connection or broke a call off, until it answers. After 500 ms it is enough
 * that the instance accepts connections, because a busy one answers late. While it refuses them the doubt lasts:
 * a container that starts again has the address of the one before.
 */
export class Doubt {
  readonly #options: DoubtOptions;
  #probe: Probe | undefined;
  #late: NodeJS.Timeout | undefined;
  #again: NodeJS.Timeout | undefined;
  #pauseMs = FIRST_PAUSE_MS;
  #isLate = false;

  constructor(options: DoubtOptions) {
    this.#options = options;
    this.#ask();
  }

  /** Stops probing. */
  end(): void {
    clearTimeout(this.#late);
    clearTimeout(this.#again);
    // No other timer ends a probe without an answer, or with an incomplete one.
    this.#probe?.abort();
    this.#probe = undefined;
  }

  #ask(): void {
    this.#late ??= setTimeout(() => this.#becomeLate(), PATIENCE_MS);
    const probe = new Probe((result) => this.#answered(result, probe.isStarted));
    this.#probe = probe;
    this.#options.send(probe);
  }

  #becomeLate(): void {
    this.#late = undefined;
    this.#isLate = true;
    if (this.#probe?.isStarted) this.#over();
  }

  #answered(result: ProbeResult, isStarted: boolean): void {
    if (this.#probe === undefined) return;
    if (result !== "none" || (this.#isLate && isStarted)) {
      this.#over();
      return;
    }
    this.#probe = undefined;
    this.#again = setTimeout(() => this.#ask(), this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * this.#pauseMs);
  }

  #over(): void {
    this.end();
    this.#options.onOver();
  }
}
