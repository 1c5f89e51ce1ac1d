import { parseRate, type Quota } from "../../platform/settings/quota.ts";
import type { Allowance } from "../../platform/usage/exchange.ts";

/** What the callers of one router want of a quota. */
export interface Wish {
  /** Calls a second. */
  readonly perS: number;
  /** Calls refused since the last report because all places were taken. */
  readonly full: number;
  /** Calls refused since the last report because the rate was used up. */
  readonly late: number;
  /** Calls that it may let pass at once. */
  readonly tokens: number;
  readonly inFlight: number;
}

/** More of the rate than a router wants, because calls come unevenly: a part of its wish, and a part of the rate. */
const MORE = { ofWish: 0.1, ofRate: 0.02 };

/** Calls of a month are given for this time. */
const AHEAD_S = 2;

export interface Divided {
  readonly quota: Quota;
  /** By router. */
  readonly wishes: ReadonlyMap<string, Wish>;
  /** Most calls at the same time at each router until now. */
  readonly places: ReadonlyMap<string, number>;
  /** Calls that may pass at once at all routers together. */
  readonly tokens: number;
  /** Calls in this month, those in flight included. */
  readonly usedInMonth: number;
}

/**
 * Divides a quota among routers by what their callers want. Nobody gets less than an equal part, unless it wants less;
 * what nobody wants is divided equally.
 */
export function divide({
  quota,
  wishes,
  places: held,
  tokens,
  usedInMonth,
}: Divided): Map<string, Allowance> {
  const shares = sharesOfRate(quota, wishes);
  const places = quota.inFlight === undefined ? undefined : dividePlaces(quota.inFlight, wishes, held);
  // A router that is alone leaves nothing to others.
  const more = divideUnused(wishes.size === 1 ? 0 : tokens, wishes);
  const { perMonth } = quota;
  const allLeft = perMonth === undefined ? 0 : Math.max(0, perMonth - usedInMonth);
  const left = perMonth === undefined ? undefined : divideLeft(allLeft, wishes);
  return new Map(
    Array.from(wishes.keys(), (router): [string, Allowance] => [
      router,
      {
        share: shares.get(router)!,
        ...(quota.rate === undefined ? {} : { more: more.get(router)! }),
        ...(places === undefined ? {} : { inFlight: places.get(router)! }),
        ...(left === undefined ? {} : { left: left.get(router)!, allLeft, perMonth: perMonth! }),
      },
    ]),
  );
}

function sharesOfRate({ rate }: Quota, wishes: ReadonlyMap<string, Wish>): Map<string, number> {
  const perS = rate === undefined ? undefined : parseRate(rate);
  if (perS === undefined) return mapValues(wishes, () => 1 / wishes.size);
  const most = (MORE.ofRate * perS) / wishes.size;
  const wanted = mapValues(wishes, (wish) => wish.perS + Math.min(MORE.ofWish * wish.perS, most));
  return mapValues(fill(perS, wanted), (part) => part / perS);
}

/** Divides what no router has among those that refused calls. */
function divideUnused(tokens: number, wishes: ReadonlyMap<string, Wish>): Map<string, number> {
  const unused = Math.max(0, tokens - sum(Array.from(wishes.values(), (wish) => wish.tokens)));
  const late = sum(Array.from(wishes.values(), (wish) => wish.late));
  return mapValues(wishes, (wish) => (late === 0 ? 0 : (unused * wish.late) / late));
}

/**
 * Divides places. A router gets places only when others have given them back, so that the limit holds while they move.
 * With fewer places than routers, each router has one.
 */
function dividePlaces(
  limit: number,
  wishes: ReadonlyMap<string, Wish>,
  places: ReadonlyMap<string, number>,
): Map<string, number> {
  const wanted = mapValues(wishes, ({ inFlight, full }) => inFlight + full);
  const whole = wholeParts(limit, fill(limit, wanted));
  const equal = Math.max(1, Math.floor(limit / wishes.size));
  const held = mapValues(wishes, ({ inFlight }, router) => Math.max(inFlight, places.get(router) ?? equal));
  let free = limit - sum(held.values());
  return mapValues(whole, (part, router) => {
    const grown = Math.min(part, held.get(router)! + Math.max(0, free));
    free -= Math.max(0, grown - held.get(router)!);
    return Math.max(1, grown);
  });
}

function divideLeft(left: number, wishes: ReadonlyMap<string, Wish>): Map<string, number> {
  const soon = mapValues(wishes, ({ perS }) => perS * AHEAD_S);
  return wholeParts(left, fill(left, soon));
}

/** Gives each what it wants, or an equal part of what is left where there is too little. Divides the rest equally. */
export function fill(whole: number, wanted: ReadonlyMap<string, number>): Map<string, number> {
  const parts = new Map<string, number>();
  let left = whole;
  let others = wanted.size;
  for (const [router, wish] of [...wanted].sort(([, a], [, b]) => a - b)) {
    const part = Math.min(wish, left / others);
    parts.set(router, part);
    left -= part;
    others--;
  }
  return mapValues(parts, (part) => part + left / wanted.size);
}

/** Rounds parts down and gives the rest to the largest ones. */
function wholeParts(whole: number, parts: ReadonlyMap<string, number>): Map<string, number> {
  const rounded = mapValues(parts, (part) => Math.floor(part + 1e-9));
  let rest = whole - sum(rounded.values());
  for (const [router] of [...parts].sort(([, a], [, b]) => b - a)) {
    if (rest < 1) break;
    rounded.set(router, rounded.get(router)! + 1);
    rest--;
  }
  return rounded;
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const each of numbers) total += each;
  return total;
}

function mapValues<A, B>(map: ReadonlyMap<string, A>, change: (value: A, key: string) => B): Map<string, B> {
  return new Map(Array.from(map, ([key, value]): [string, B] => [key, change(value, key)]));
}
