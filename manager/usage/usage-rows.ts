import type { CountedBatch } from "../../platform/usage/exchange.ts";
import type { UsageBatch, UsageHour } from "../../store/store.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Converts a batch of a router to rows of the store. */
export function usageRows(source: string, { sequence, atMs, counts, traced }: CountedBatch): UsageBatch {
  const hour = new Date(atMs - (atMs % HOUR_MS));
  const minute = new Date(atMs - (atMs % MINUTE_MS));
  const hours = counts.flatMap(({ function: name, version, keys }) =>
    Object.entries(keys).map(([key, use]): UsageHour => ({ hour, function: name, version, key, ...use })),
  );
  const minutes = counts.map(({ keys: _, ...counted }) => ({ minute, ...counted }));
  const used = new Set(hours.map(({ key }) => key));
  used.delete("");
  return {
    source,
    sequence,
    hours,
    minutes,
    ...(traced === undefined ? {} : { traced }),
    keys: [...used].map((key) => ({ key, usedAt: new Date(atMs) })),
  };
}
