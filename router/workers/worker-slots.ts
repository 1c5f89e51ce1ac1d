import type { Endpoints } from "../../platform/platform.ts";
import { SharedSlots, type Urgency } from "./shared-slots.ts";
import { clockOffsetMs, type SlotsForWorker, type SlotsFromWorker } from "./worker-messages.ts";

/** Time in which changes that are not urgent are gathered, in milliseconds. */
const SOON_MS = 5;

/** The slots of all functions at a worker. Many changes of one turn of the event loop are one message. */
export class WorkerSlots {
  readonly #send: (functions: readonly SlotsFromWorker[]) => void;
  readonly #offsetMs = clockOffsetMs();
  readonly #byName = new Map<string, SharedSlots>();
  readonly #news = new Set<SharedSlots>();
  #now = false;
  #soon: NodeJS.Timeout | undefined;
  readonly #changed = (slots: SharedSlots, urgency: Urgency) => {
    this.#news.add(slots);
    if (urgency === "soon") this.#soon ??= setTimeout(() => this.#tell(), SOON_MS);
    else if (!this.#now) {
      this.#now = true;
      setImmediate(() => this.#tell());
    }
  };

  constructor(send: (functions: readonly SlotsFromWorker[]) => void) {
    this.#send = send;
  }

  of(name: string): SharedSlots {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const slots = new SharedSlots(name, this.#changed);
    this.#byName.set(name, slots);
    return slots;
  }

  take(functions: readonly SlotsForWorker[]): void {
    for (const { wanted, ...rest } of functions) {
      // The slots of a new instance come before its endpoints; anything else is about what is known.
      if (rest.granted.length === 0 && !this.#byName.has(rest.name)) continue;
      const here = wanted && { calls: wanted.calls, sinceMs: wanted.sinceMs - this.#offsetMs };
      this.of(rest.name).take({ ...rest, ...(here && { wanted: here }) });
    }
  }

  /** For every change of endpoints, before routes hear of it. */
  keep(name: string, endpoints: Endpoints | undefined): void {
    const slots = this.#byName.get(name);
    slots?.keep(endpoints && new Set(endpoints.instances.map(({ id }) => id)));
    if (slots?.isOver) this.#byName.delete(name);
  }

  close(): void {
    clearTimeout(this.#soon);
  }

  #tell(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    this.#now = false;
    if (this.#news.size === 0) return;
    const told = [...this.#news];
    this.#news.clear();
    this.#send(
      told.map((slots) => {
        const { waiting, ...rest } = slots.news();
        return { ...rest, waiting: { calls: waiting.calls, sinceMs: waiting.sinceMs + this.#offsetMs } };
      }),
    );
    for (const slots of told) {
      if (slots.isOver && this.#byName.get(slots.name) === slots) this.#byName.delete(slots.name);
    }
  }
}
