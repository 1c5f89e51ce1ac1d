import type { RunMachine } from "../../../platform/flows/run/machine.ts";
import type { StoredSignal } from "../../../store/flows/runs.ts";
import type { Result } from "./run-calls.ts";

/** What came for a run and its machine does not know, and the signals that no append has taken. */
export class Inbox {
  readonly #results: Result[] = [];
  readonly #signals: StoredSignal[] = [];
  /** Ids of signals that the machine was told, and has not dealt with. */
  readonly #untaken: string[] = [];
  /** The store may show signals again. */
  readonly #seen = new Set<string>();

  /** Whether the machine has to be told something, or has to deal with it. */
  get isNews(): boolean {
    return this.#results.length + this.#signals.length + this.#untaken.length > 0;
  }

  /** When the oldest result came, by the monotonic clock. */
  get firstMs(): number | undefined {
    return this.#results[0]?.atMs;
  }

  addResult(result: Result): void {
    this.#results.push(result);
  }

  /** Returns whether there are new ones. */
  addSignals(signals: readonly StoredSignal[]): boolean {
    const fresh = signals.filter(({ id }) => !this.#seen.has(id));
    for (const { id } of fresh) this.#seen.add(id);
    this.#signals.push(...fresh);
    return fresh.length > 0;
  }

  /** Tells the machine the oldest result. */
  tellFirst(machine: RunMachine, now: number): void {
    const { of, result } = this.#results.shift()!;
    machine.ended(of, result, now);
  }

  /** Tells the machine everything. */
  tell(machine: RunMachine, now: number): void {
    while (this.#results.length > 0) this.tellFirst(machine, now);
    for (const { id, signal } of this.#signals.splice(0)) {
      machine.signalled(signal, now);
      this.#untaken.push(id);
    }
  }

  /** Returns the ids of the signals that the machine has dealt with: the next append takes them. */
  dealtWith({ signalsLeft }: Pick<RunMachine, "signalsLeft">): readonly string[] {
    return this.#untaken.splice(0, this.#untaken.length - signalsLeft);
  }
}
