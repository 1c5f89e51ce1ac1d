import type { Entry, KeptValue } from "../../../platform/flows/run/entry.ts";
import type { Values } from "../values.ts";

/** Returns the ids of the bodies that entries refer to. */
export function bodiesOf(entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    const value = valueIn(entry);
    return value !== undefined && "body" in value ? [value.body] : [];
  });
}

/** Returns the entries with their large values as bodies. */
export function smallEntries(entries: readonly Entry[], values: Values): Promise<readonly Entry[]> {
  return Promise.all(
    entries.map(async (entry) => {
      const value = valueIn(entry);
      if (value === undefined) return entry;
      const kept = await values.movedOut(value);
      if (kept === value) return entry;
      return entry.kind === "begun" ? { ...entry, input: kept } : ({ ...entry, output: kept } as Entry);
    }),
  );
}

function valueIn(entry: Entry): KeptValue | undefined {
  if (entry.kind === "begun") return entry.input;
  return "output" in entry ? entry.output : undefined;
}
