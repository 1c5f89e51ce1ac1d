import type { Fire, Timer, Timers } from "../../../store/timers.ts";

/** Timers in memory, and everything that they fired. */
export class MemoryTimers implements Timers {
  readonly fired: Fire[] = [];
  readonly #timers = new Map<string, Timer>();
  readonly #times = new Set<string>();

  /** When the next timer is due. */
  get nextDueAt(): number {
    return Math.min(...[...this.#timers.values()].map(dueAtOf));
  }

  /** The times that a schedule fired. */
  timesOf(name: string): number[] {
    return this.fired.flatMap((fire) =>
      fire.name === name
        ? fire.firings.filter(({ outcome }) => outcome === undefined).map(({ at }) => at)
        : [],
    );
  }

  async set(timer: Timer): Promise<Timer> {
    const present = this.#timers.get(timer.name);
    if (present?.rule === timer.rule) return present;
    this.#timers.set(timer.name, timer);
    return timer;
  }

  async get(name: string): Promise<Timer | undefined> {
    return this.#timers.get(name);
  }

  async remove(name: string): Promise<void> {
    this.#timers.delete(name);
  }

  async due(now: number, limit: number): ReturnType<Timers["due"]> {
    const sorted = [...this.#timers.values()].sort((a, b) => dueAtOf(a) - dueAtOf(b));
    const timers = sorted.filter((timer) => dueAtOf(timer) <= now).slice(0, limit);
    const next = sorted[timers.length];
    return { timers, nextDueAt: next?.dueAt === undefined ? undefined : dueAtOf(next) };
  }

  async fire(fire: Fire): Promise<boolean> {
    const timer = this.#timers.get(fire.name);
    if (timer === undefined || timer.dueAt !== fire.dueAt) return false;
    this.#timers.set(fire.name, { ...timer, ...fire.next });
    const key = (at: number) => `${fire.name}@${at}`;
    const firings = fire.firings.filter(({ at }) => !this.#times.has(key(at)));
    // A time that was only missed can still fire.
    for (const { at, outcome } of firings) if (outcome === undefined) this.#times.add(key(at));
    if (firings.length > 0) this.fired.push({ ...fire, firings });
    return true;
  }

  async firings(): Promise<never> {
    throw new Error("firings() is not for this test.");
  }
}

function dueAtOf({ dueAt, delayMs }: Timer): number {
  return dueAt === undefined ? Number.POSITIVE_INFINITY : dueAt + delayMs;
}
