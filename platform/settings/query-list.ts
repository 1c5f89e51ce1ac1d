import { invalid } from "./invalid-setting.ts";

/** Splits the values of a list in a query, such as `a,b` and `c`, into its entries. */
export function splitEntries(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).map((entry) => entry.trim());
}

/**
 * Returns the entries of a list in a query. `none` alone is the empty list.
 * @throws Problem `invalid_setting`
 */
export function unlessNone(setting: string, entries: readonly string[]): readonly string[] {
  if (!entries.includes("none")) return entries;
  if (entries.length === 1) return [];
  throw invalid(setting, `${setting}=none excludes other entries; remove it or the others.`);
}
