import { drawPlan, type Plan } from "../scripts/plan.ts";
import type { Script } from "../scripts/script.ts";

/** A request as an instance would get it. */
export interface Seen {
  /** Everything that its head says. */
  readonly head: string;
  /** Its body, as it arrived. Nothing is copied: the parts belong to the one who reads them. */
  readonly parts: Buffer[];
  trailers: readonly string[];
  /** `refused`: nothing of it goes to an instance. `unread`: it is answered before the end of its body. */
  state: "arriving" | "whole" | "broken" | "refused" | "unread";
  /** The head of its answer was sent before its body had arrived. */
  hasBegun: boolean;
  /** Its answer was broken off. */
  isTruncated: boolean;
  /** Its body, if it has one, has arrived whole, whoever reads it. */
  isComplete: () => boolean;
}

/** What one reader makes of a connection. */
export class Recorder {
  readonly script: Script;
  readonly seen: Seen[] = [];
  activity = 0;
  /** Answers that are due in some turns. */
  pending = 0;
  /** Calls whose response has not ended. */
  unended = 0;
  /** Answers that wait until everything has settled. */
  readonly #held: (() => void)[] = [];

  constructor(script: Script) {
    this.script = script;
  }

  /** How the next request is answered. */
  get plan(): Plan {
    const { seed, answers } = this.script;
    const ordinal = this.seen.length;
    return { ...drawPlan(seed, ordinal), ...answers?.[ordinal] };
  }

  later(turns: number, run: () => void): void {
    this.pending++;
    const wait = (left: number) => {
      if (left > 0) setImmediate(wait, left - 1);
      else {
        this.pending--;
        this.activity++;
        run();
      }
    };
    wait(turns);
  }

  hold(run: () => void): void {
    this.#held.push(run);
  }

  /** Returns false if no answer is due. */
  release(): boolean {
    const due = this.#held.splice(0);
    for (const run of due) run();
    return due.length > 0;
  }
}
