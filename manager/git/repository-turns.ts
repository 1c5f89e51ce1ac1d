import type { Limits } from "../../platform/limits.ts";
import { DeployTurns } from "../deploys/deploy-turns.ts";

const WAITING_EACH = 20;
const WAITING_IN_ALL = 1_000;

/** Changes one repository at a time, others at the same time. */
export class RepositoryTurns {
  readonly #turns: DeployTurns;
  /** Repositories that are being changed. */
  readonly #busy = new Set<string>();
  readonly #listeners: ((name: string) => void)[] = [];

  constructor({ buildMs, startMs, gitMs }: Pick<Limits, "buildMs" | "startMs" | "gitMs">) {
    this.#turns = new DeployTurns({
      inAll: WAITING_IN_ALL,
      waitingPerName: WAITING_EACH,
      bytesInAll: 1,
      waitingBytes: 1,
      waitMs: Math.max(gitMs, buildMs + startMs),
    });
  }

  /** Whether a change of the repository is under way. */
  isBusy(name: string): boolean {
    return this.#busy.has(name);
  }

  /** Calls a listener after each turn. */
  onEnd(listener: (name: string) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Runs `work` in the turn of a repository.
   * @throws Problem `too_many_waiting`; the signal's reason
   */
  run<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.#turns.run({ name, bytes: 0, signal }, async () => {
      try {
        return await work();
      } finally {
        for (const listener of this.#listeners) listener(name);
      }
    });
  }

  /** Runs `work`; reads of the repository do not wait for it. Call in its turn. */
  async busily<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#busy.add(name);
    try {
      return await work();
    } finally {
      this.#busy.delete(name);
    }
  }
}
