import type { Plan } from "./fold/plan.ts";
import type { RunData, Unit } from "./fold/state.ts";

/** What makes two waits wait for the same. */
export interface SameWait {
  readonly topic: string;
  readonly type?: string | undefined;
  readonly by: string;
  readonly equals: unknown;
}

const NONE: ReadonlySet<number> = new Set();

/** The events that ended waits of a run: each of them ends one wait for the same. It follows from the state. */
export class TakenEvents {
  readonly #state: RunData;
  readonly #plan: Plan;
  /** Positions by what was waited for. */
  readonly #positions = new Map<string, Set<number>>();

  constructor(state: RunData, plan: Plan) {
    this.#state = state;
    this.#plan = plan;
  }

  /** A unit that runs again gives its event back. */
  rebuild(): void {
    this.#positions.clear();
    for (const { name, step } of this.#plan.steps.values()) {
      if (step.action.kind !== "event") continue;
      for (const unit of this.#state.steps[name]!.units) this.#add(name, unit);
    }
  }

  /** After a unit has ended. */
  add(step: string, item: number): void {
    this.#add(step, this.#state.steps[step]!.units[item]!);
  }

  /** Returns the positions that waits for the same have taken. */
  of(wait: SameWait): ReadonlySet<number> {
    return this.#positions.get(waitKey(wait)) ?? NONE;
  }

  #add(step: string, { took }: Unit): void {
    const { action } = this.#plan.steps.get(step)!.step;
    if (took === undefined || action.kind !== "event") return;
    const key = waitKey({ ...action, equals: took.equals });
    const positions = this.#positions.get(key);
    if (positions === undefined) this.#positions.set(key, new Set([took.position]));
    else positions.add(took.position);
  }
}

/** Waits with the same key wait for the same. */
export function waitKey({ topic, type, by, equals }: SameWait): string {
  return JSON.stringify([topic, type ?? null, by, equals ?? null]);
}
