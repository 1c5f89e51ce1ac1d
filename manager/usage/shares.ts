import { parseRate, type Quota } from "../../platform/settings/quota.ts";
import type { Allowance, Demand, RouterReport } from "../../platform/usage/exchange.ts";
import { divide, type Wish } from "./divide.ts";

/** Part of the newest report in the rate of calls that a router wants. */
const NEWEST = 0.5;
/** A quota that nobody used for this long is forgotten, unless its calls of a month count. */
const FORGET_MS = 60_000;
/** Calls of the rate that routers left unused can pass later for this long. */
const CATCH_UP_S = 1;
/** Fewer calls a second than this are none. */
const LEAST_PER_S = 0.01;
const NO_WISH: Wish = { perS: 0, full: 0, late: 0, tokens: 0, inFlight: 0 };

interface SharedQuota {
  quota: Quota;
  usedMs: number;
  wishes: Map<string, Wish>;
  allowances: Map<string, Allowance>;
  /** The bucket of all routers together. */
  tokens: number;
  filledMs: number;
  /** Most calls at the same time at each router, as far as an order may have reached it. */
  places: Map<string, number>;
}

/** Divides the quotas of functions and keys among the routers, anew after each exchange. Times are monotonic. */
export class Shares {
  readonly #quotas = new Map<string, SharedQuota>();
  /** When each router reported last. */
  readonly #reportedMs = new Map<string, number>();

  /** Takes what a router's callers wanted. It has applied the allowances before. */
  take({ source, demands }: Pick<RouterReport, "source" | "demands">, nowMs: number): void {
    const elapsedS = Math.max(0.001, (nowMs - (this.#reportedMs.get(source) ?? nowMs - 250)) / 1_000);
    this.#reportedMs.set(source, nowMs);
    for (const [name, { quota, passed }] of Object.entries(demands)) {
      const shared = this.#quotas.get(name) ?? newQuota(quota, nowMs);
      this.#quotas.set(name, shared);
      shared.quota = quota;
      shared.usedMs = nowMs;
      shared.tokens -= passed;
    }
    for (const [name, { wishes, allowances, places }] of this.#quotas) {
      wishes.set(source, wishOf(demands[name], wishes.get(source), elapsedS));
      const { inFlight } = allowances.get(source) ?? {};
      if (inFlight === undefined) places.delete(source);
      else places.set(source, inFlight);
    }
  }

  /**
   * Divides all quotas.
   * @param routers those that share them now
   * @param used returns the calls of this month that have ended, by the name of the quota
   */
  divide(routers: readonly string[], used: (name: string) => number, nowMs: number): void {
    for (const source of this.#reportedMs.keys()) {
      if (!routers.includes(source)) this.#reportedMs.delete(source);
    }
    for (const [name, shared] of this.#quotas) {
      const isUnused = nowMs - shared.usedMs > FORGET_MS;
      if (isUnused && shared.quota.perMonth === undefined) this.#quotas.delete(name);
      else divideOne(shared, { routers, used: () => used(name), nowMs });
    }
  }

  /** Returns what one router may use, by the name of the quota. Unused calls of others are in it once. */
  takeAllowances(router: string): Record<string, Allowance> {
    const found: Record<string, Allowance> = {};
    for (const [name, { allowances }] of this.#quotas) {
      const allowance = allowances.get(router);
      if (allowance === undefined) continue;
      found[name] = allowance;
      const { more: _, ...rest } = allowance;
      allowances.set(router, rest);
    }
    return found;
  }
}

function newQuota(quota: Quota, nowMs: number): SharedQuota {
  return {
    ...{ quota, usedMs: nowMs, wishes: new Map(), allowances: new Map(), places: new Map() },
    ...{ tokens: mostTokens(quota, false), filledMs: nowMs },
  };
}

interface Round {
  readonly routers: readonly string[];
  readonly used: () => number;
  readonly nowMs: number;
}

function divideOne(shared: SharedQuota, { routers, used, nowMs }: Round): void {
  const { quota } = shared;
  const wishes = new Map(routers.map((router) => [router, shared.wishes.get(router) ?? NO_WISH]));
  const perMs = (parseRate(quota.rate ?? "") ?? 0) / 1_000;
  const filled = shared.tokens + (nowMs - shared.filledMs) * perMs;
  const isWanted = [...wishes.values()].some(({ late }) => late > 0);
  shared.tokens = Math.max(-routers.length, Math.min(mostTokens(quota, isWanted), filled));
  shared.filledMs = nowMs;
  const inFlight = [...wishes.values()].reduce((sum, wish) => sum + wish.inFlight, 0);
  const usedInMonth = quota.perMonth === undefined ? 0 : used() + inFlight;
  shared.allowances = divide({ ...shared, wishes, usedInMonth });
  // Refusals count once, also if the next report of a router is late.
  shared.wishes = new Map(Array.from(wishes, ([router, wish]) => [router, { ...wish, late: 0, full: 0 }]));
  for (const [router, { inFlight: most = 0 }] of shared.allowances) {
    shared.places.set(router, Math.max(most, shared.places.get(router) ?? 0));
  }
}

/** @param isWanted calls are refused that the rate allows, so that they may catch up */
function mostTokens({ rate, burst }: Quota, isWanted: boolean): number {
  const perS = parseRate(rate ?? "") ?? 0;
  const most = burst ?? Math.max(1, perS);
  return isWanted ? Math.max(most, perS * CATCH_UP_S) : most;
}

function wishOf(demand: Demand | undefined, before: Wish | undefined, elapsedS: number): Wish {
  const { wanted = 0, full = 0, late = 0, tokens = 0, inFlight = 0 } = demand ?? {};
  const perS = wanted / elapsedS;
  const smooth = before === undefined ? perS : NEWEST * perS + (1 - NEWEST) * before.perS;
  return { perS: smooth < LEAST_PER_S ? 0 : smooth, full, late, tokens, inFlight };
}
