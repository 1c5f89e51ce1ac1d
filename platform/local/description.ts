import type { FunctionDescription, FunctionSummary, VersionRecord } from "../platform.ts";
import type { LocalFunction } from "./function.ts";

/** @param current the record of its current version; undefined if it has just been removed */
export function summarize(
  fn: LocalFunction,
  current: VersionRecord | undefined,
): FunctionSummary | undefined {
  if (current === undefined) return undefined;
  const { name, version, hash, createdAt: updatedAt } = current;
  const ready = fn.runner(version)?.ready.length ?? 0;
  return { name, version, hash, createdAt: fn.createdAt, updatedAt, ready };
}

export interface DescribeOptions {
  /** Its stored versions. */
  readonly versions: readonly VersionRecord[];
  readonly isolation: NonNullable<FunctionDescription["isolation"]>;
  /** By the monotonic clock. */
  readonly nowMs: number;
}

export function describeFunction(
  fn: LocalFunction,
  { versions, isolation, nowMs }: DescribeOptions,
): FunctionDescription | undefined {
  const current = versions.find(({ version }) => version === fn.versions.current);
  const summary = summarize(fn, current);
  if (!summary || !current) return undefined;
  const runners = [...fn.runners];
  const notReady = runners.filter(({ isRouted }) => isRouted).map((runner) => runner.notReady(nowMs));
  const reason = notReady.find((each) => each !== undefined);
  return {
    ...summary,
    settings: fn.runner(current.version)?.settings ?? current.settings,
    traffic: fn.versions.traffic,
    versions: versions.map(({ version, hash, createdAt }) => ({ version, hash, createdAt })),
    instances: runners.flatMap((runner) => runner.describe()),
    lastErrors: fn.errors.all,
    isolation,
    ...(reason === undefined ? {} : { notReady: reason }),
  };
}
