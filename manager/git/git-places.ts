import { Problem } from "../../platform/problems.ts";
import { Semaphore } from "../../process/semaphore.ts";

export interface GitPlacesOptions {
  /** Requests that run at a time. */
  readonly places: number;
  /** Requests that run or wait. */
  readonly inAll: number;
}

interface Share {
  readonly places: Semaphore;
  count: number;
}

/** Bounds the requests of git. One principal has half of them at most: slow requests of one stop nobody else. */
export class GitPlaces {
  readonly #options: GitPlacesOptions;
  readonly #places: Semaphore;
  readonly #shares = new Map<string, Share>();
  #count = 0;

  constructor(options: GitPlacesOptions) {
    this.#options = options;
    this.#places = new Semaphore(options);
  }

  /**
   * Runs `work` of a principal when there is a place for it.
   * @throws Problem `too_many_git`; the signal's reason
   */
  async run<T>(by: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { places, inAll } = this.#options;
    const share = this.#shares.get(by) ?? { places: new Semaphore({ places: half(places) }), count: 0 };
    if (this.#count >= inAll) throw tooMany("", this.#count, inAll);
    if (share.count >= half(inAll)) throw tooMany(` of ${by}`, share.count, half(inAll));
    this.#shares.set(by, share);
    share.count++;
    this.#count++;
    try {
      return await share.places.run(() => this.#places.run(work, signal), signal);
    } finally {
      this.#count--;
      if (--share.count === 0) this.#shares.delete(by);
    }
  }
}

function half(count: number): number {
  return Math.max(1, Math.ceil(count / 2));
}

function tooMany(whose: string, count: number, most: number): Problem {
  const detail = `${count} requests of git${whose} run or wait, at most ${most} (see SKIFF_GIT_AT_ONCE): try again.`;
  return new Problem("too_many_git", detail, { retryAfterS: 1, setting: "SKIFF_GIT_AT_ONCE" });
}
