/** How many calls, records and events refer to each long body. */
import type { StoredBody } from "../../bodies.ts";
import { type Work, withRows } from "../work.ts";

/**
 * Adds a reference for each long body, as often as it is in the list.
 * @throws Error if one is gone
 */
export function* keepBodies(bodies: readonly (StoredBody | undefined)[]): Work<void> {
  const missing = yield* addRefs(idsOf(bodies), 1);
  if (missing > 0)
    throw new Error("a body was removed before anything referred to it: it is kept for an hour");
}

/** Removes a reference for each long body, as often as it is in the list of values of a `body_id`. */
export function* dropBodyIds(ids: readonly unknown[]): Work<void> {
  yield* addRefs(
    ids.filter((id) => typeof id === "string"),
    -1,
  );
}

/** Returns how many of the bodies there are not. */
function* addRefs(ids: readonly string[], sign: 1 | -1): Work<number> {
  if (ids.length === 0) return 0;
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
  return rows.length - found.length;
}

function idsOf(bodies: readonly (StoredBody | undefined)[]): string[] {
  return bodies.flatMap((body) => (body && "id" in body ? [body.id] : []));
}
