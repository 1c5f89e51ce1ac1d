import type { Begun } from "../../../platform/flows/run/entry.ts";
import type { OpenWait, RunMachine } from "../../../platform/flows/run/machine.ts";
import type { Signal } from "../../../platform/flows/run/signal.ts";
import type { Runs } from "../../../store/flows/runs.ts";
import type { LookingBack } from "../waits/look-back.ts";
import type { Patience } from "./patience.ts";

export interface PastEventsOptions {
  readonly begun: Begun;
  readonly machine: Pick<RunMachine, "waits">;
  readonly runs: Pick<Runs, "signal">;
  readonly lookBack: (run: LookingBack, waits: readonly OpenWait[]) => Promise<readonly Signal[]>;
  readonly now: () => number;
  readonly patience: Patience;
  readonly onFault: (error: Error) => void;
}

/** Looks for events that came before a run waited for them. */
export class PastEvents {
  readonly #options: PastEventsOptions;
  readonly #run: LookingBack;
  #isAsked = false;
  #isLooking = false;

  constructor(options: PastEventsOptions) {
    this.#options = options;
    this.#run = { begun: options.begun, passed: new Map() };
  }

  /** Whether something may be missing until it was looked at again. */
  get isLooking(): boolean {
    return this.#isLooking;
  }

  /** Looks again if a wait has ended, and another one for the same may have missed an event that is left. */
  ended(): void {
    if (this.#options.machine.waits().some(({ taken }) => taken.size > 0)) this.look();
  }

  /** The waits are stored: whatever is published from now on comes as a signal. */
  look(): void {
    this.#isAsked = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    void this.#look()
      .catch((error: Error) => this.#options.onFault(error))
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    const { begun, machine, runs, lookBack, now, patience } = this.#options;
    while (this.#isAsked) {
      this.#isAsked = false;
      const waits = machine.waits();
      if (waits.length === 0) continue;
      await patience.run(async () => {
        const found = await lookBack(this.#run, waits);
        const signals = found.map((signal) => ({ run: begun.run, signal }));
        if (signals.length > 0) await runs.signal(signals, now());
      });
    }
  }
}
