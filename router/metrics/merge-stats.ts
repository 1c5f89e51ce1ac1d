import type { FunctionStats, RouterTotals, Tally, VersionAnswers } from "./stats.ts";

/**
 * Adds up the stats of several routers on one machine by function. `ready` is not added, because all routers see the same
 * instances. Pass the last stats of a router that has ended too: without them counters would go backwards.
 */
export function mergeStats(parts: Iterable<Iterable<FunctionStats>>): FunctionStats[] {
  const byName = new Map<string, FunctionStats>();
  for (const part of parts) {
    for (const stats of part) {
      const before = byName.get(stats.name);
      byName.set(stats.name, before === undefined ? stats : add(before, stats));
    }
  }
  return [...byName.values()];
}

/** Adds up the totals of several routers. */
export function mergeTotals(parts: Iterable<RouterTotals>): RouterTotals {
  let sum: RouterTotals = { unrouted: {}, logLinesDropped: 0, spansDropped: 0 };
  for (const { unrouted, logLinesDropped, spansDropped } of parts) {
    sum = {
      unrouted: addTallies(sum.unrouted, unrouted),
      logLinesDropped: sum.logLinesDropped + logLinesDropped,
      spansDropped: sum.spansDropped + spansDropped,
    };
  }
  return sum;
}

function add(a: FunctionStats, b: FunctionStats): FunctionStats {
  return {
    name: a.name,
    inFlight: a.inFlight + b.inFlight,
    waiting: a.waiting + b.waiting,
    ready: Math.max(a.ready, b.ready),
    answered: addEach(a.answered, b.answered),
    versions: addVersions(a.versions, b.versions),
    abandoned: a.abandoned + b.abandoned,
    refused: addTallies(a.refused, b.refused),
    retries: a.retries + b.retries,
    waitedMs: a.waitedMs + b.waitedMs,
    coldStarts: a.coldStarts + b.coldStarts,
    wakeStepMs: addTallies(a.wakeStepMs, b.wakeStepMs),
    durationSumMs: a.durationSumMs + b.durationSumMs,
    durationCounts: addEach(a.durationCounts, b.durationCounts),
  };
}

function addVersions(a: readonly VersionAnswers[], b: readonly VersionAnswers[]): VersionAnswers[] {
  const byVersion = new Map(a.map(({ version, answered }) => [version, answered]));
  for (const { version, answered } of b) {
    const before = byVersion.get(version);
    byVersion.set(version, before === undefined ? answered : addEach(before, answered));
  }
  return [...byVersion].map(([version, answered]) => ({ version, answered }));
}

function addEach(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, index) => value + b[index]!);
}

function addTallies<Name extends string>(a: Tally<Name>, b: Tally<Name>): Tally<Name> {
  const sum: Partial<Record<Name, number>> = { ...a };
  for (const name of Object.keys(b) as Name[]) sum[name] = (a[name] ?? 0) + (b[name] ?? 0);
  return sum;
}
