/** How many calls, records and events refer to each long body. */
import { type Work, withRows } from "../work.ts";

/**
 * Adds references, or removes them, as often as an id is in the list.
 * @throws Error if a body to refer to is gone
 */
export function* addRefs(ids: readonly string[], sign: 1 | -1): Work<void> {
  if (ids.length === 0) return;
  // In one order everywhere, so that two transactions lock them in the same order.
  const rows = [...Map.groupBy(ids, (id) => id)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, same]) => [id, sign * same.length]);
  const found = yield* withRows({
    text: `UPDATE bodies SET refs = refs + v.column2 FROM (VALUES {rows}) AS v
      WHERE bodies.id = v.column1 RETURNING bodies.id`,
    values: [],
    rows,
    types: ["text", "bigint"],
  });
  if (sign === 1 && found.length < rows.length) {
    throw new Error("a body was removed before anything referred to it: it is kept for an hour");
  }
}
