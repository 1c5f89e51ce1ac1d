import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";
import { WaitingList } from "../../process/waiting-list.ts";

export interface TurnLimits {
  readonly waitingPerName: number;
  /** Changes under way and waiting. */
  readonly inAll: number;
  /** Memory of changes under way and waiting, in bytes. */
  readonly bytesInAll: number;
  /** Memory of waiting changes, in bytes. */
  readonly waitingBytes: number;
  readonly waitMs: number;
}

export interface Turn {
  readonly name: string;
  /** Memory that the change holds. */
  readonly bytes: number;
  /** Exempts the change from the limits, because a removal frees memory. */
  readonly isAlwaysTaken?: boolean;
  readonly signal: AbortSignal;
}

/** Runs changes of one function in order of arrival. Changes of other functions run at the same time. */
export class DeployTurns {
  readonly #limits: TurnLimits;
  /** Waiting changes by function. A function with a change under way has an entry. */
  readonly #waiting = new Map<string, WaitingList<undefined>>();
  #count = 0;
  #bytes = 0;
  #waitingBytes = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` after the earlier changes of the name.
   * @throws Problem `too_many_waiting` over a limit or after `waitMs`; the signal's reason if it aborts before
   */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    turn.signal.throwIfAborted();
    if (!turn.isAlwaysTaken) this.#checkLimits(turn);
    this.#count++;
    this.#bytes += turn.bytes;
    try {
      await this.#wait(turn);
      try {
        return await work();
      } finally {
        if (!this.#waiting.get(turn.name)!.admit()) this.#waiting.delete(turn.name);
      }
    } finally {
      this.#count--;
      this.#bytes -= turn.bytes;
    }
  }

  async #wait({ name, bytes, signal }: Turn): Promise<void> {
    const waiting = this.#waiting.get(name);
    if (!waiting) {
      this.#waiting.set(name, new WaitingList());
      return;
    }
    const { waitMs } = this.#limits;
    const late = new AbortController();
    const expire = () => late.abort(tooMany(`Earlier deploys took over ${formatMs(waitMs)}`));
    const timer = setTimeout(expire, waitMs);
    this.#waitingBytes += bytes;
    try {
      await waiting.wait(undefined, AbortSignal.any([signal, late.signal]));
    } finally {
      clearTimeout(timer);
      this.#waitingBytes -= bytes;
    }
  }

  #checkLimits({ name, bytes }: Turn): void {
    const { inAll, waitingPerName, waitingBytes, bytesInAll } = this.#limits;
    if (this.#count >= inAll) throw tooMany(`${inAll} deploys are under way or wait already`);
    if (this.#bytes + bytes > bytesInAll) throw tooMany(`Deploys hold ${sources(this.#bytes, bytesInAll)}`);
    const waiting = this.#waiting.get(name);
    if (!waiting) return;
    if (waiting.size >= waitingPerName) throw tooMany(`${waitingPerName} deploys of "${name}" wait already`);
    if (this.#waitingBytes + bytes > waitingBytes) {
      throw tooMany(`Waiting deploys hold ${sources(this.#waitingBytes, waitingBytes)}`);
    }
  }
}

function sources(bytes: number, most: number): string {
  return `sources of ${formatBytes(bytes)}, at most ${formatBytes(most)}`;
}

function tooMany(what: string): Problem {
  return new Problem("too_many_waiting", `${what}: deploy again when they are done.`, { retryAfterS: 5 });
}
