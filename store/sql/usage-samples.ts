import type { SampledStep, SeriesQuery, UsageSample } from "../store.ts";
import { insertAll, read, type Value, type Work } from "./work.ts";

const MINUTE_MS = 60_000;

/** Of several samples of a minute the largest numbers count. */
export function* addSamples(samples: readonly UsageSample[]): Work<void> {
  const rows = samples.map(({ at, function: name, instances, memoryMiB = null }): Value[] => [
    Math.floor(at.getTime() / MINUTE_MS) * MINUTE_MS,
    ...[name, instances, memoryMiB],
  ]);
  const larger = (column: string) =>
    `${column} = CASE WHEN COALESCE(excluded.${column}, 0) > COALESCE(usage_samples.${column}, -1)
       THEN COALESCE(excluded.${column}, usage_samples.${column}) ELSE usage_samples.${column} END`;
  yield* insertAll(
    "usage_samples",
    rows,
    `ON CONFLICT (minute, "function") DO UPDATE SET ${larger("instances")}, ${larger("memory_mib")}`,
  );
}

export function* usageSamples({
  functions,
  since,
  until,
  stepMs,
}: SeriesQuery): Work<readonly SampledStep[]> {
  const rows = yield read(
    `SELECT "function", minute / CAST($4 AS INTEGER) AS step, MAX(instances) AS instances, MAX(memory_mib) AS memory_mib
     FROM usage_samples WHERE "function" = ANY($1) AND minute >= $2 AND minute < $3
     GROUP BY "function", step ORDER BY "function", step`,
    ...([functions, since.getTime(), until.getTime(), stepMs] as const),
  );
  return rows.map((row) => ({
    from: new Date(Number(row.step) * stepMs),
    function: row.function as string,
    instances: Number(row.instances),
    ...(row.memory_mib === null ? {} : { memoryMiB: Number(row.memory_mib) }),
  }));
}
