import { Problem } from "../platform/problems.ts";

export interface AttemptLimits {
  /** Failed attempts of one address in a minute; after them it is refused for the rest of that minute. */
  readonly attempts: number;
}

const WINDOW_MS = 60_000;
/** Addresses that are remembered. The oldest is forgotten first. */
const MOST_ADDRESSES = 10_000;

interface Failures {
  count: number;
  readonly endMs: number;
}

/**
 * Counts the wrong keys and tokens of each address. Times are those of a monotonic clock, in milliseconds. The
 * addresses of one IPv6 network (/64) count as one, because a client may have all of them.
 */
export class FailedAttempts {
  readonly #limits: AttemptLimits;
  /** In the order of their ends. */
  readonly #byNetwork = new Map<string, Failures>();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Returns the time until the address may try again; 0 if it may now. */
  blockedMs(address: string, nowMs: number): number {
    if (this.#byNetwork.size === 0) return 0;
    const failures = this.#byNetwork.get(networkOf(address));
    if (failures === undefined || failures.count < this.#limits.attempts) return 0;
    return Math.max(0, failures.endMs - nowMs);
  }

  fail(address: string, nowMs: number): void {
    for (const [network, { endMs }] of this.#byNetwork) {
      if (endMs > nowMs && this.#byNetwork.size < MOST_ADDRESSES) break;
      this.#byNetwork.delete(network);
    }
    const network = networkOf(address);
    const failures = this.#byNetwork.get(network);
    if (failures !== undefined) failures.count++;
    else this.#byNetwork.set(network, { count: 1, endMs: nowMs + WINDOW_MS });
  }
}

/** Returns an IPv4 address as it is, and the first four groups of an IPv6 address. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice(7);
  const [head = "", tail] = address.toLowerCase().split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined
      ? []
      : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const groups = [...before, ...zeros, ...after].slice(0, 4);
  return groups.map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}

/** @param blockedMs time until the client may try again, in milliseconds */
export function tooManyAttempts({ attempts }: AttemptLimits, blockedMs: number): Problem {
  const retryAfterS = Math.ceil(blockedMs / 1_000);
  const limit = `${attempts} wrong keys or tokens in a minute (SKIFF_MAX_ATTEMPTS)`;
  const detail = `Your address sent ${limit}: try again in ${retryAfterS} s, with the right one.`;
  return new Problem("too_many_attempts", detail, { retryAfterS, setting: "SKIFF_MAX_ATTEMPTS" });
}
