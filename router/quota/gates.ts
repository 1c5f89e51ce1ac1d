import { hasQuota, type Quota } from "../../platform/settings/quota.ts";
import type { Allowance, Demand, RouterOrder } from "../../platform/usage/exchange.ts";
import { Gate, type GateOwner } from "./gate.ts";

/** A key is forgotten if none of its calls came for this long. */
const FORGET_MS = 10 * 60_000;

/** Names the key of a caller, with its quota. */
export interface QuotaKey {
  readonly id: string;
  readonly quota?: Quota | undefined;
}

type SharedOrder = Pick<RouterOrder, "routers" | "allowances" | "used" | "usedSince">;

/** The gates of all functions and keys with quotas that this router has seen calls of. */
export class Gates {
  readonly #functions = new Map<string, Gate>();
  readonly #keys = new Map<string, Gate>();
  /** When calls with a key came last. */
  readonly #usedMs = new Map<Gate, number>();
  /** Calls of this month by the name of the gate, of all routers, as far as the collector has them. */
  #used = new Map<string, number>();
  /** Returns the calls of this month that the collector does not have. Set by the sheet that counts them. */
  uncollected: (owner: GateOwner) => number = () => 0;
  /** A router that is alone owns everything. */
  #order: SharedOrder = { routers: 1, allowances: {} };

  /** Returns the gate of a function; undefined without a quota. */
  ofFunction(name: string, quota: Quota | undefined, nowMs: number): Gate | undefined {
    if (hasQuota(quota)) return this.#of(this.#functions, { kind: "function", name }, quota, nowMs);
    this.#functions.delete(name);
    return undefined;
  }

  /** Returns the gate of a key; undefined without a quota. */
  #ofKey({ id, quota }: QuotaKey, nowMs: number): Gate | undefined {
    if (quota === undefined) return undefined;
    const gate = this.#keys.get(id);
    if (gate !== undefined && gate.quota === quota) return gate;
    return hasQuota(quota) ? this.#of(this.#keys, { kind: "key", name: id }, quota, nowMs) : undefined;
  }

  /** Returns the gates of a call. */
  on(gate: Gate | undefined, key: QuotaKey | undefined, nowMs: number): readonly Gate[] {
    const ofKey = key && this.#ofKey(key, nowMs);
    if (ofKey === undefined) return gate === undefined ? [] : [gate];
    return gate === undefined ? [ofKey] : [gate, ofKey];
  }

  forgetFunction(name: string): void {
    this.#functions.delete(name);
  }

  /** Applies what the collector allows. */
  apply(order: SharedOrder, nowMs: number): void {
    this.#order = order;
    if (order.used !== undefined) this.#used = new Map(Object.entries(order.used));
    for (const [name, calls] of Object.entries(order.usedSince ?? {})) this.#used.set(name, calls);
    for (const gate of this.#all()) gate.apply(this.#allowanceOf(gate.owner), nowMs);
  }

  report(nowMs: number): Record<string, Demand> {
    const demands: Record<string, Demand> = {};
    for (const gate of this.#all()) {
      const demand = gate.report(nowMs);
      if (demand !== undefined) demands[nameOf(gate.owner)] = demand;
      if (gate.owner.kind === "key") this.#forgetUnused(gate, demand !== undefined, nowMs);
    }
    return demands;
  }

  #forgetUnused(gate: Gate, isUsed: boolean, nowMs: number): void {
    const usedMs = this.#usedMs.get(gate);
    if (isUsed || usedMs === undefined) this.#usedMs.set(gate, nowMs);
    else if (nowMs - usedMs > FORGET_MS) {
      this.#usedMs.delete(gate);
      this.#keys.delete(gate.owner.name);
    }
  }

  #of(gates: Map<string, Gate>, owner: GateOwner, quota: Quota, nowMs: number): Gate {
    const known = gates.get(owner.name);
    if (known !== undefined) {
      if (known.quota !== quota) known.change(quota, nowMs, this.#usedOf(owner, quota));
      return known;
    }
    const start = { allowance: this.#allowanceOf(owner), used: this.#usedOf(owner, quota), nowMs };
    const gate = new Gate(owner, quota, start);
    gates.set(owner.name, gate);
    return gate;
  }

  #usedOf(owner: GateOwner, { perMonth }: Quota): number {
    return perMonth === undefined ? 0 : (this.#used.get(nameOf(owner)) ?? 0) + this.uncollected(owner);
  }

  #allowanceOf(owner: GateOwner): Allowance {
    const { routers, allowances } = this.#order;
    return allowances[nameOf(owner)] ?? { share: 1 / routers };
  }

  *#all(): Iterable<Gate> {
    yield* this.#functions.values();
    yield* this.#keys.values();
  }
}

function nameOf({ kind, name }: GateOwner): string {
  return `${kind} ${name}`;
}
