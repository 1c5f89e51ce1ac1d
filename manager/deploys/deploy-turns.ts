import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs } from "../../platform/quantity.ts";

export interface TurnLimits {
  readonly waitingPerName: number;
  /** Changes that are under way or wait. */
  readonly inAll: number;
  /** Memory that these may hold, in bytes. */
  readonly bytesInAll: number;
  /** Memory that those may hold which wait for their turn, in bytes. */
  readonly waitingBytes: number;
  readonly waitMs: number;
}

/** What asks for its turn. */
export interface Turn {
  readonly name: string;
  /** Memory that it holds. */
  readonly bytes: number;
  /** It takes a place however many there are: a removal frees what others hold. */
  readonly isAlwaysTaken?: boolean;
  readonly signal: AbortSignal;
}

interface Waiter extends Turn {
  readonly begin: () => void;
}

/** The changes of one function: one is under way, the others wait. */
interface Line {
  readonly waiting: Waiter[];
}

/**
 * Lets changes of one function run one after the other in order of arrival. Changes of different functions do not know
 * of each other: whatever they work with has its own places.
 */
export class DeployTurns {
  readonly #limits: TurnLimits;
  readonly #lines = new Map<string, Line>();
  #count = 0;
  #bytes = 0;
  #waitingBytes = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /**
   * Runs `work` when it is its turn.
   * @throws Problem `too_many_waiting` if too many are there already or the turn does not come in time
   * @throws the signal's reason if it is aborted before the turn comes
   */
  async run<T>(turn: Turn, work: () => Promise<T>): Promise<T> {
    turn.signal.throwIfAborted();
    if (!turn.isAlwaysTaken) this.#checkRoom(turn);
    this.#count++;
    this.#bytes += turn.bytes;
    try {
      await this.#turn(turn);
      try {
        return await work();
      } finally {
        this.#next(turn.name);
      }
    } finally {
      this.#count--;
      this.#bytes -= turn.bytes;
    }
  }

  async #turn(turn: Turn): Promise<void> {
    const line = this.#lines.get(turn.name);
    if (!line) {
      this.#lines.set(turn.name, { waiting: [] });
      return;
    }
    this.#waitingBytes += turn.bytes;
    try {
      await this.#wait(turn, line);
    } finally {
      this.#waitingBytes -= turn.bytes;
    }
  }

  #wait(turn: Turn, { waiting }: Line): Promise<void> {
    const { signal } = turn;
    return new Promise((resolve, reject) => {
      const { waitMs } = this.#limits;
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", aborted);
      };
      const leave = (reason: unknown) => {
        settle();
        waiting.splice(waiting.indexOf(waiter), 1);
        reject(reason);
      };
      const aborted = () => leave(signal.reason);
      const timer = setTimeout(
        () => leave(tooMany(`Deploys before this one took over ${formatMs(waitMs)}`)),
        waitMs,
      );
      signal.addEventListener("abort", aborted);
      const begin = () => {
        settle();
        resolve();
      };
      const waiter: Waiter = { ...turn, begin };
      waiting.push(waiter);
    });
  }

  #next(name: string): void {
    const line = this.#lines.get(name);
    const next = line?.waiting.shift();
    if (next) next.begin();
    else this.#lines.delete(name);
  }

  #checkRoom({ name, bytes }: Turn): void {
    const { inAll, waitingPerName, waitingBytes, bytesInAll } = this.#limits;
    if (this.#count >= inAll) throw tooMany(`${inAll} deploys are under way or wait already`);
    if (this.#bytes + bytes > bytesInAll) {
      throw tooMany(
        `Sources of ${formatBytes(this.#bytes)} are there, of ${formatBytes(bytesInAll)} that may`,
      );
    }
    const line = this.#lines.get(name);
    if (!line) return;
    if (line.waiting.length >= waitingPerName)
      throw tooMany(`${waitingPerName} deploys of "${name}" wait already`);
    if (this.#waitingBytes + bytes > waitingBytes) {
      const held = formatBytes(this.#waitingBytes);
      throw tooMany(`Sources of ${held} wait already, of ${formatBytes(waitingBytes)} that may`);
    }
  }
}

function tooMany(what: string): Problem {
  return new Problem("too_many_waiting", `${what}: deploy again when they are done.`, { retryAfterS: 5 });
}
