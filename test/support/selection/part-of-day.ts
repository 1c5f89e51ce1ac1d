/**
 * Returns every `parts`-th of the items, others every day (UTC): what is slow and rarely changes takes its turn. SKIFF_TESTS=3 takes
 * those of the third day, SKIFF_TESTS=all all of them.
 */
export function partOfDay<T>(items: readonly T[], parts: number): readonly T[] {
  const { SKIFF_TESTS: day = String(new Date().getUTCDate()) } = process.env;
  if (day === "all") return items;
  return items.filter((_, index) => index % parts === Number(day) % parts);
}
