import type { WorkerBeat } from "../store/calls.ts";

/** A worker whose beat has not changed for this long is dead, in milliseconds. */
const DEAD_MS = 30_000;

interface Seen {
  readonly beatAt: number;
  /** When this beat was seen first, by the clock of the observer. */
  readonly since: number;
}

/** Which workers are dead, by one clock alone: those of other machines may be wrong. */
export class SilentWorkers {
  #seen = new Map<string, Seen>();

  /** @param nowMs monotonic */
  of(beats: readonly WorkerBeat[], nowMs: number): readonly WorkerBeat[] {
    const seen = new Map<string, Seen>();
    for (const { owner, beatAt } of beats) {
      const before = this.#seen.get(owner);
      seen.set(owner, before?.beatAt === beatAt ? before : { beatAt, since: nowMs });
    }
    this.#seen = seen;
    return beats.filter(({ owner }) => nowMs - seen.get(owner)!.since > DEAD_MS);
  }

  /** While the store is away nobody can beat. */
  forget(): void {
    this.#seen.clear();
  }
}
