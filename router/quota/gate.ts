import { parseRate, type Quota } from "../../platform/settings/quota.ts";
import type { Allowance, Demand } from "../../platform/usage/exchange.ts";
import { TokenBucket } from "./token-bucket.ts";

/** Time until a call may succeed that found all places taken: one of them may end at any time. */
const PLACE_MS = 1_000;

/** Time within which a router gets a share that it needs. */
const SHARE_MS = 1_000;

/** Whose calls a gate counts: those of a function, or those with a key. */
export interface GateOwner {
  readonly kind: "function" | "key";
  readonly name: string;
}

export interface GateStart {
  /** What this router may use until the collector says more. */
  readonly allowance: Allowance;
  /** Calls of this month at all routers, as far as they are known; 0 by default. */
  readonly used?: number | undefined;
  readonly nowMs: number;
}

export type PolicyName = "rate" | "inFlight" | "perMonth";

/** Text about the quota that changes with the month alone. */
export interface QuotaText {
  readonly quota: Quota;
  readonly untilMs: number;
  /** The value of `RateLimit-Policy`. */
  readonly policies: string;
  /** The policies that the quota has, each with its beginning in `RateLimit`. */
  readonly names: readonly { readonly policy: PolicyName; readonly name: string }[];
}

/** The quota of one function or one key at this router, which holds a share of it. Times are monotonic. */
export class Gate {
  readonly owner: GateOwner;
  quota: Quota;
  /** Kept by those who write the fields. */
  text: QuotaText | undefined;
  /** Calls that passed and have not ended. */
  inFlight = 0;
  #allowance: Allowance;
  #bucket: TokenBucket | undefined;
  /** Longest wait for a token. */
  #waitMs = Infinity;
  #most = Infinity;
  #left = Infinity;
  /** Since the last report. */
  #wanted = 0;
  #full = 0;
  #late = 0;
  #passed = 0;
  /** The collector does not know this quota yet. */
  #isChanged = false;

  constructor(owner: GateOwner, quota: Quota, { allowance, used = 0, nowMs }: GateStart) {
    this.owner = owner;
    this.quota = quota;
    this.#allowance = allowance;
    this.#setLeft(used);
    this.#setCounts();
    this.#setRate(nowMs);
  }

  /**
   * Applies another quota.
   * @param used calls of this month that have ended, as far as they are known
   */
  change(quota: Quota, nowMs: number, used = 0): void {
    const { perMonth: before } = this.quota;
    this.quota = quota;
    this.#isChanged = true;
    if (quota.perMonth !== before) this.#setLeft(used + this.inFlight);
    this.#setCounts();
    this.#setRate(nowMs);
  }

  /** Applies what the collector allows, which was computed from the last report. */
  apply(allowance: Allowance, nowMs: number): void {
    this.#allowance = allowance;
    this.#setCounts();
    this.#setRate(nowMs);
    const { left, perMonth = this.quota.perMonth } = allowance;
    // The collector knows nothing of the calls since the last report.
    if (left !== undefined && perMonth === this.quota.perMonth) this.#left = left - this.#passed;
    if (allowance.more !== undefined) this.#bucket?.add(allowance.more);
  }

  /** Returns the limit that a call finds used up; undefined if it may pass. */
  check(nowMs: number): PolicyName | undefined {
    this.#wanted++;
    if (this.#left < 1) return "perMonth";
    if (this.inFlight >= this.#most) {
      this.#full++;
      return "inFlight";
    }
    this.#bucket?.refill(nowMs);
    if (this.#bucket === undefined || this.#bucket.left >= 1) return undefined;
    this.#late++;
    return "rate";
  }

  /** Lets a call pass that `check` did not refuse. It ends with `leave`. */
  enter(): void {
    this.inFlight++;
    this.#passed++;
    this.#left--;
    this.#bucket?.take();
  }

  leave(): void {
    this.inFlight--;
  }

  /** Returns the calls that may pass at this router now. */
  remaining(policy: PolicyName): number {
    if (policy === "rate") return this.#bucket?.left ?? 0;
    return Math.max(0, policy === "inFlight" ? this.#most - this.inFlight : this.#left);
  }

  /**
   * Returns the time until more calls may pass.
   * @param monthMs time until the month (UTC) ends
   */
  resetMs(policy: PolicyName, monthMs: number): number {
    if (policy === "rate") return Math.min(this.#bucket?.waitMs ?? 0, this.#waitMs);
    const isUsedUp = this.remaining(policy) === 0;
    if (policy === "inFlight") return isUsedUp ? PLACE_MS : 0;
    // Other routers may hold the calls that are left.
    return isUsedUp && (this.#allowance.allLeft ?? 0) > 0 ? SHARE_MS : monthMs;
  }

  /**
   * Returns what callers wanted since the last report, and starts anew; undefined if there was nothing. A changed quota
   * is reported once also without calls.
   */
  report(nowMs: number): Demand | undefined {
    const { quota, inFlight } = this;
    if (this.#wanted === 0 && inFlight === 0 && !this.#isChanged) return undefined;
    this.#isChanged = false;
    this.#bucket?.refill(nowMs);
    const [wanted, passed, full, late] = [this.#wanted, this.#passed, this.#full, this.#late];
    const tokens = this.#bucket?.tokens ?? 0;
    this.#wanted = 0;
    this.#passed = 0;
    this.#full = 0;
    this.#late = 0;
    return { quota, wanted, passed, full, late, tokens, inFlight };
  }

  /** Counts what was used against the limit. The next order is exact. */
  #setLeft(used: number): void {
    const { perMonth } = this.quota;
    const left = perMonth === undefined ? Infinity : Math.max(0, perMonth - used);
    // Also a router whose share is nothing now can pass one call.
    this.#left = Number.isFinite(left)
      ? Math.min(left, Math.max(1, Math.ceil(left * this.#allowance.share)))
      : left;
  }

  #setCounts(): void {
    const { inFlight = Infinity } = this.quota;
    const { share, inFlight: most = inFlight * share } = this.#allowance;
    this.#most = Math.max(1, Math.floor(Math.min(most, inFlight)));
  }

  /** A router that may use nothing now can pass one call at once, so that a slow function works through any router. */
  #setRate(nowMs: number): void {
    const perS = this.quota.rate === undefined ? undefined : parseRate(this.quota.rate);
    if (perS === undefined) {
      this.#bucket = undefined;
      return;
    }
    const { share } = this.#allowance;
    this.#waitMs = 1_000 / perS + SHARE_MS;
    const perMs = Math.max((perS * share) / 1_000, Number.MIN_VALUE);
    const burst = Math.max(1, (this.quota.burst ?? perS) * share);
    if (this.#bucket === undefined) this.#bucket = new TokenBucket(perMs, burst, nowMs);
    else this.#bucket.change(perMs, burst, nowMs);
  }
}
