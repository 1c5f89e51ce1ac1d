import type { RunMachine } from "../../../platform/flows/run/machine.ts";

/** Entries after which the state is stored, and by which share of all entries. */
const ENTRIES = 500;
const SHARE = 0.5;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/** Decides when the state of a run is stored, so that no owner has to read many entries. */
export class Checkpoints {
  readonly #machine: Pick<RunMachine, "checkpoint">;
  #at: number;

  /** @param at number of the entry of the newest checkpoint; 0 without one */
  constructor(machine: Pick<RunMachine, "checkpoint">, at: number) {
    this.#machine = machine;
    this.#at = at;
  }

  /**
   * The state, if it is to be stored with the entry of this number. It grows with the run, so it is stored ever less often; one that is
   * very long is not stored.
   */
  at(sequence: number): string | undefined {
    if (sequence - this.#at < Math.max(ENTRIES, sequence * SHARE)) return undefined;
    this.#at = sequence;
    const text = this.#machine.checkpoint();
    return text.length <= MOST_CHARACTERS ? text : undefined;
  }
}
