import type { Endpoints, EndpointsListener, Platform } from "../../platform/platform.ts";
import type { CallTarget } from "../../store/call.ts";
import type { DeliveryHooks } from "../services.ts";

export interface FunctionSlotsOptions {
  readonly platform: Pick<Platform, "allEndpoints" | "watch">;
  /** Calls of a function at a time that need no bound here. */
  readonly full: number;
}

/**
 * How many calls of each function run at a time, and how many its instances take. More would wait in the router, where
 * their priority counts no longer and their time runs. A function that takes `full` calls or more has no entry.
 */
export class FunctionSlots {
  readonly #full: number;
  readonly #slots = new Map<string, number>();
  readonly #running = new Map<string, number>();
  readonly #stopWatching: () => void;

  constructor({ platform, full }: FunctionSlotsOptions) {
    this.#full = full;
    const change: EndpointsListener = (name, endpoints) => this.#set(name, endpoints);
    this.#stopWatching = platform.watch(change);
    for (const endpoints of platform.allEndpoints()) this.#set(endpoints.name, endpoints);
  }

  /** Takes a slot of the function. Returns false if all are taken. */
  take(target: CallTarget): boolean {
    if (!("function" in target)) return true;
    const { function: name } = target;
    const running = this.#running.get(name) ?? 0;
    if (running >= (this.#slots.get(name) ?? Infinity)) return false;
    this.#running.set(name, running + 1);
    return true;
  }

  /** Returns whether that made room where there was none. */
  giveBack(target: CallTarget): boolean {
    if (!("function" in target)) return false;
    const { function: name } = target;
    const left = this.#running.get(name)! - 1;
    if (left > 0) this.#running.set(name, left);
    else this.#running.delete(name);
    return left + 1 >= (this.#slots.get(name) ?? Infinity);
  }

  /** The free slots of functions that have fewer than `full`, by queue. */
  *free(hooks: readonly DeliveryHooks[]): Iterable<readonly [queue: string, free: number]> {
    if (this.#slots.size === 0) return;
    for (const name of this.#slots.keys()) yield [`fn/${name}`, this.#freeOf(name)!];
    for (const [queue, name] of hooks.flatMap((hook) => [...(hook.functions?.() ?? [])])) {
      const free = this.#freeOf(name);
      if (free !== undefined) yield [queue, free];
    }
  }

  close(): void {
    this.#stopWatching();
  }

  #freeOf(name: string): number | undefined {
    const slots = this.#slots.get(name);
    return slots === undefined ? undefined : Math.max(0, slots - (this.#running.get(name) ?? 0));
  }

  #set(name: string, endpoints: Endpoints | undefined): void {
    const slots = endpoints === undefined ? Infinity : slotsOf(endpoints);
    if (slots < this.#full) this.#slots.set(name, slots);
    else this.#slots.delete(name);
  }
}

/** Calls that the versions with traffic run at a time; Infinity without traffic. */
export function slotsOf({ traffic, versions }: Pick<Endpoints, "traffic" | "versions">): number {
  const taking = versions.filter(({ version }) => traffic.some((share) => share.version === version));
  if (taking.length === 0) return Infinity;
  return taking.reduce((sum, { max, concurrency }) => sum + max * concurrency, 0);
}
