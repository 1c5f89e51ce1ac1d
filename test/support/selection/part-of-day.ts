/**
 * Returns every `parts`-th of the items, others every day (UTC): what is slow and rarely changes takes its turn. With SKIFF_TESTS=all
 * all of them.
 */
export function partOfDay<T>(items: readonly T[], parts: number): readonly T[] {
  if (process.env.SKIFF_TESTS === "all") return items;
  const turn = new Date().getUTCDate() % parts;
  return items.filter((_, index) => index % parts === turn);
}
