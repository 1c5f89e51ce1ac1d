import type { Guard } from "../../platform/platform.ts";
import { quantileMs } from "../../platform/usage/durations.ts";

/** The calls of one version, or of several together. */
export interface Compared {
  readonly calls: number;
  readonly errors: number;
  /** Calls per bucket of USAGE_BUCKETS. */
  readonly durations: readonly number[];
}

/** `pass`: the version has had its calls and stays. `fail`: it is to lose its traffic. */
export type Verdict = { readonly is: "wait" | "pass" } | { readonly is: "fail"; readonly reason: string };

/** Fewer calls of the other versions say nothing about their duration. */
const LEAST_CALLS = 20;
const QUANTILE = 0.95;

/**
 * Compares a fresh version with the others over its first calls. Too many errors are a verdict as soon as the rest of the
 * calls cannot make up for them. Durations are known within 10 %.
 */
export function judge(guard: Guard, fresh: Compared, others: Compared): Verdict {
  const { errorRate, slowdown, calls } = guard;
  const rate = others.calls === 0 ? 0 : others.errors / others.calls;
  const judged = Math.max(calls, fresh.calls);
  if (errorRate !== undefined && fresh.errors > (rate + errorRate) * judged) {
    const failed = `${fresh.errors} of its ${fresh.calls} calls failed`;
    const reason = `${failed}, and ${percent(rate)} of those of the other versions (errorRate ${errorRate})`;
    return { is: "fail", reason };
  }
  if (fresh.calls < calls) return { is: "wait" };
  const [slow, usual] = [quantileMs(fresh.durations, QUANTILE), quantileMs(others.durations, QUANTILE)];
  const isKnown = others.calls >= LEAST_CALLS && slow !== undefined && usual !== undefined;
  if (slowdown !== undefined && isKnown && slow > slowdown * usual) {
    const reason = `its 95th percentile is ${ms(slow)}, and ${ms(usual)} for the other versions (slowdown ${slowdown})`;
    return { is: "fail", reason };
  }
  return { is: "pass" };
}

function percent(rate: number): string {
  return `${Number((rate * 100).toFixed(1))} %`;
}

function ms(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
