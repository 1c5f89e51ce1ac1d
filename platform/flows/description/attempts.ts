import type { AttemptOf, Entry } from "../run/entry.ts";
import type { Unit } from "../run/fold/state.ts";
import type { AttemptDescription } from "./description.ts";

/** Attempts of a step or of an item of it that are kept. */
export const MOST_ATTEMPTS = 100;

type Draft = { -readonly [Key in keyof AttemptDescription]: AttemptDescription[Key] };

/** What became of the attempts of a run, by step and item. */
export class Attempts {
  readonly #bySteps = new Map<string, Map<number, Draft[]>>();

  add(entry: Entry): void {
    if (entry.kind === "started") this.#start(entry, entry.at);
    else if (entry.kind === "waiting") {
      const draft = this.#find(entry);
      if (draft !== undefined) Object.assign(draft, { waitsFor: entry.for, until: entry.until });
    } else if (entry.kind === "done" || entry.kind === "failed") this.#end(entry);
  }

  /** The attempts of a step, or of an item or iteration of it, oldest first. */
  of(step: string, item: number | undefined, unit: Unit | undefined): readonly AttemptDescription[] {
    const drafts = this.#bySteps.get(step)?.get(item ?? 0) ?? [];
    return drafts.map((draft) => ({ ...draft, state: stateOf(draft, unit) }));
  }

  #start({ step, item, attempt }: AttemptOf, at: number): void {
    const items = this.#bySteps.get(step) ?? new Map<number, Draft[]>();
    const drafts = items.get(item ?? 0) ?? [];
    items.set(item ?? 0, drafts);
    this.#bySteps.set(step, items);
    const started = { attempt, state: "running", startedAt: at } as const;
    drafts.push(item === undefined ? started : { item, ...started });
    if (drafts.length > MOST_ATTEMPTS) drafts.shift();
  }

  #end(entry: Extract<Entry, { kind: "done" | "failed" }>): void {
    const draft = this.#find(entry);
    if (draft === undefined) return;
    draft.state = entry.kind;
    draft.endedAt = entry.at;
    if (entry.callId !== undefined) draft.callId = entry.callId;
    if (entry.kind === "done") return;
    draft.error = entry.error;
    if (entry.retryAt !== undefined) draft.retryAt = entry.retryAt;
  }

  #find({ step, item, attempt }: AttemptOf): Draft | undefined {
    return this.#bySteps
      .get(step)
      ?.get(item ?? 0)
      ?.findLast((each) => each.attempt === attempt);
  }
}

/** An attempt without an end goes on, or its run stopped. */
function stateOf({ state, attempt }: Draft, unit: Unit | undefined): AttemptDescription["state"] {
  if (state !== "running") return state;
  if (unit?.attempt !== attempt) return "cancelled";
  return unit.state === "running" || unit.state === "waiting" ? unit.state : "cancelled";
}
