import { Problem } from "../platform/problems.ts";
import { formatBytes, formatMs } from "../platform/quantity.ts";

export interface TurnLimits {
  /** Functions that are deployed side by side: each deploy builds and starts a process. */
  readonly atOnce: number;
  readonly waitingPerName: number;
  readonly waiting: number;
  /** Memory that may be held by what waits, in bytes. */
  readonly waitingBytes: number;
  readonly waitMs: number;
}

/** What asks for its turn. */
export interface Turn {
  readonly name: string;
  /** Memory that it holds while it waits. */
  readonly bytes: number;
  readonly signal: AbortSignal;
}

interface Waiter extends Turn {
  readonly begin: () => void;
}

/** Lets changes of one function run one after the other in order of arrival, and different ones side by side. */
export class DeployTurns {
  readonly #limits: TurnLimits;
  readonly #running = new Set<string>();
  #waiting: Waiter[] = [];

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` when it is its turn.
   * @throws Problem `too_many_waiting` if too many wait already or the turn does not come in time
   * @throws the signal's reason if it is aborted before the turn comes
   */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    await this.#turn(turn);
    try {
      return await work();
    } finally {
      this.#running.delete(turn.name);
      this.#admit();
    }
  }

  #turn(turn: Turn): Promise<void> {
    const { signal } = turn;
    signal.throwIfAborted();
    this.#checkRoom(turn);
    return new Promise((resolve, reject) => {
      const { waitMs } = this.#limits;
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
      };
      const leave = (reason: unknown) => {
        settle();
        this.#waiting = this.#waiting.filter((each) => each !== waiter);
        reject(reason);
      };
      const aborted = () => leave(signal.reason);
      const timer = setTimeout(
        () => leave(tooMany(`Deploys before this one took over ${formatMs(waitMs)}`)),
        waitMs,
      );
      signal.addEventListener("abort", aborted);
      const waiter: Waiter = {
        ...turn,
        begin: () => {
          settle();
          resolve();
        },
      };
      this.#waiting.push(waiter);
      this.#admit();
    });
  }

  #checkRoom({ name, bytes }: Turn): void {
    const { waiting, waitingPerName, waitingBytes } = this.#limits;
    if (this.#waiting.length >= waiting) throw tooMany(`${waiting} deploys wait already`);
    if (this.#waiting.filter((each) => each.name === name).length >= waitingPerName) {
      throw tooMany(`${waitingPerName} deploys of "${name}" wait already`);
    }
    const held = this.#waiting.reduce((sum, each) => sum + each.bytes, 0);
    if (held + bytes > waitingBytes) {
      throw tooMany(`Sources of ${formatBytes(held)} wait already, of ${formatBytes(waitingBytes)} that may`);
    }
  }

  #admit(): void {
    for (const waiter of [...this.#waiting]) {
      if (this.#running.size >= this.#limits.atOnce) return;
      if (this.#running.has(waiter.name)) continue;
      this.#running.add(waiter.name);
      this.#waiting = this.#waiting.filter((each) => each !== waiter);
      waiter.begin();
    }
  }
}

function tooMany(what: string): Problem {
  return new Problem("too_many_waiting", `${what}: deploy again when they are done.`, { retryAfterS: 5 });
}
