import type { Share } from "../traffic.ts";

/** Whole percentages of the calls by version; their sum is 100. */
export type Percents = readonly { readonly version: number; readonly percent: number }[];

/** Returns the traffic in whole percentages. */
export function percentsOf(traffic: readonly Share[]): Percents {
  const weights = traffic.map(({ weight }) => weight);
  const parts = divide(100, weights);
  return traffic.map(({ version }, index) => ({ version, percent: parts[index]! }));
}

/** Gives one version a percentage and divides the rest among the others, in their proportions. */
export function withPercent(percents: Percents, version: number, percent: number): Percents {
  const others = percents.filter((each) => each.version !== version);
  if (others.length === 0) return [{ version, percent: 100 }];
  const wanted = Math.min(100, Math.max(0, Math.round(percent)));
  const weights = others.map((each) => each.percent);
  // Without any proportion the largest number of equals is as good as another: all get the same.
  const parts = divide(100 - wanted, weights.every((each) => each === 0) ? weights.map(() => 1) : weights);
  const found = new Map(others.map((each, index) => [each.version, parts[index]!]));
  return percents.map((each) => ({ ...each, percent: found.get(each.version) ?? wanted }));
}

/** Adds a version without calls. */
export function withVersion(percents: Percents, version: number): Percents {
  const all = [...percents, { version, percent: percents.length === 0 ? 100 : 0 }];
  return all.toSorted((a, b) => b.version - a.version);
}

/** Removes a version and gives its part to the others. */
export function withoutVersion(percents: Percents, version: number): Percents {
  return withPercent(percents, version, 0).filter((each) => each.version !== version);
}

/** Divides a whole number by weights into whole parts whose sum it is (largest remainders). */
function divide(whole: number, weights: readonly number[]): number[] {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const exact = weights.map((weight) => (whole * weight) / sum);
  const parts = exact.map(Math.floor);
  const rest = whole - parts.reduce((all, part) => all + part, 0);
  const order = exact.map((each, index) => [each - parts[index]!, index] as const);
  order.sort(([a, i], [b, j]) => b - a || i - j);
  for (const [, index] of order.slice(0, rest)) parts[index]!++;
  return parts;
}
