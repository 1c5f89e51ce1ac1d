import { newDraft } from "../../../platform/flows/run/draft.ts";
import type { Begun, Entry } from "../../../platform/flows/run/entry.ts";
import type { Decision, Start } from "../../../platform/flows/run/machine.ts";

/** Decisions that are stored with one append, and what is to be done after it. */
export class Gathered {
  readonly #all = newDraft();
  #row: Decision["row"] | undefined;
  /** Ids of signals that they deal with. */
  readonly taken: string[] = [];

  get isEmpty(): boolean {
    return this.#row === undefined;
  }

  /** Whether an append has anything to store. */
  get isNews(): boolean {
    return this.#all.entries.length > 0 || this.taken.length > 0;
  }

  /** Whether further decisions may follow before these are stored: there is nothing but entries and calls. */
  get isPlain(): boolean {
    const { aborts, publishes, children, cancels, waits, waitsOver } = this.#all;
    const others = [aborts, publishes, children, cancels, waits, waitsOver];
    return others.every(({ length }) => length === 0) && !this.isEnd;
  }

  get isEnd(): boolean {
    return this.#all.entries.at(-1)?.kind === "ended";
  }

  get entries(): readonly Entry[] {
    return this.#all.entries;
  }

  /** @param starts calls that are to be made after the append */
  add(decision: Decision, starts: readonly Start[]): void {
    const { entries, aborts, publishes, children, cancels, waits, waitsOver } = decision;
    const all = this.#all;
    for (const entry of entries) all.entries.push(entry);
    for (const start of starts) all.starts.push(start);
    for (const of of aborts) all.aborts.push(of);
    all.publishes.push(...publishes);
    for (const child of children) all.children.push(child);
    for (const run of cancels) all.cancels.push(run);
    for (const wait of waits) all.waits.push(wait);
    for (const of of waitsOver) all.waitsOver.push(of);
    this.#row = decision.row;
  }

  decision(): Decision {
    return { ...this.#all, row: this.#row!, missing: [] };
  }
}

/**
 * Which calls need not wait until their entry is stored: first attempts of items of a list that is stored. After a crash they are made again
 * with the same key and the same input. The input of any other step may come from a result that is not stored yet.
 */
export class EarlyStarts {
  readonly #loops: ReadonlySet<string>;
  /** Steps whose list is not stored. */
  readonly #fresh = new Set<string>();

  constructor({ definition }: Begun) {
    const { steps, finally: last } = definition;
    const all = [...Object.entries(steps), ...Object.entries(last)];
    this.#loops = new Set(all.flatMap(([name, { each }]) => (each === undefined ? [] : name)));
  }

  /** Whether there can be any. */
  get isAny(): boolean {
    return this.#loops.size > 0;
  }

  /** Notes lists that are about to be stored. */
  decided(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.kind === "listed") this.#fresh.add(entry.step);
  }

  stored(entries: readonly Entry[]): void {
    for (const entry of entries) if (entry.kind === "listed") this.#fresh.delete(entry.step);
  }

  has({ step, item, attempt }: Start): boolean {
    return item !== undefined && attempt === 1 && this.#loops.has(step) && !this.#fresh.has(step);
  }
}
