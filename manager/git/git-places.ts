import { Problem } from "../../platform/problems.ts";

export interface GitPlacesOptions {
  /** Requests that run at a time. */
  readonly places: number;
  /** Requests that run or wait. */
  readonly inAll: number;
  /** Longest time that a request waits. */
  readonly waitMs?: number;
}

interface Waiting {
  readonly by: string;
  readonly enter: () => void;
}

const WAIT_MS = 60_000;

/**
 * Bounds the requests of git. A principal gets another place only while it has fewer than are free: one has half of them
 * at most, two leave some to a third. The principal with the fewest is next.
 */
export class GitPlaces {
  readonly #options: GitPlacesOptions;
  /** Requests by principal: those that run, and those that run or wait. */
  readonly #running = new Map<string, number>();
  readonly #present = new Map<string, number>();
  readonly #waiting: Waiting[] = [];

  constructor(options: GitPlacesOptions) {
    this.#options = options;
  }

  /**
   * Runs `work` of a principal when there is a place for it.
   * @throws Problem `too_many_git`, also after a minute without a place; the signal's reason
   */
  async run<T>(by: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const { places, inAll } = this.#options;
    if (!hasRoom(this.#present, by, inAll)) throw tooMany(this.#present, by, inAll);
    add(this.#present, by, 1);
    try {
      if (hasRoom(this.#running, by, places)) add(this.#running, by, 1);
      else await this.#wait(by, signal);
      try {
        return await work();
      } finally {
        add(this.#running, by, -1);
        this.#admit();
      }
    } finally {
      add(this.#present, by, -1);
    }
  }

  /** Resolves when the request has a place. */
  #wait(by: string, signal: AbortSignal): Promise<void> {
    const { waitMs = WAIT_MS } = this.#options;
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", leave);
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      };
      const enter = () => {
        end();
        resolve();
      };
      const leave = () => {
        end();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        end();
        reject(noPlace(waitMs));
      }, waitMs);
      const waiting = { by, enter };
      this.#waiting.push(waiting);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Gives free places to those who wait, in turn among principals who have equally many. */
  #admit(): void {
    for (;;) {
      const counts = this.#waiting.map(({ by }) => this.#running.get(by) ?? 0);
      const next = this.#waiting[counts.indexOf(Math.min(...counts))];
      if (next === undefined || !hasRoom(this.#running, next.by, this.#options.places)) return;
      add(this.#running, next.by, 1);
      next.enter();
      // Its other requests are behind those of everybody else.
      this.#waiting.sort((a, b) => Number(a.by === next.by) - Number(b.by === next.by));
    }
  }
}

function hasRoom(counts: ReadonlyMap<string, number>, by: string, most: number): boolean {
  return (counts.get(by) ?? 0) < most - sum(counts);
}

function add(counts: Map<string, number>, by: string, more: number): void {
  const count = (counts.get(by) ?? 0) + more;
  if (count === 0) counts.delete(by);
  else counts.set(by, count);
}

function sum(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((all, count) => all + count, 0);
}

function tooMany(counts: ReadonlyMap<string, number>, by: string, most: number): Problem {
  const own = counts.get(by) ?? 0;
  return refused(`${own} requests of git of ${by} run or wait, and ${sum(counts)} of all, at most ${most}`);
}

function noPlace(waitMs: number): Problem {
  return refused(`Other requests of git had all places for ${waitMs / 1_000} s`);
}

function refused(why: string): Problem {
  const detail = `${why} (see SKIFF_GIT_AT_ONCE): try again.`;
  return new Problem("too_many_git", detail, { retryAfterS: 1, setting: "SKIFF_GIT_AT_ONCE" });
}
