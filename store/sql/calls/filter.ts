import type { CallState } from "../../call.ts";
import type { CallFilter } from "../../calls.ts";
import type { Parameter } from "../work.ts";

const ENDED: readonly CallState[] = ["done", "dead", "cancelled"];

/** The states of a filter that a table has, and none if it asks for others. */
export function statesIn(table: "calls" | "ended_calls", { states }: CallFilter): readonly CallState[] {
  const has = table === "calls" ? (["waiting", "running"] as const) : ENDED;
  return has.filter((state) => states === undefined || states.includes(state));
}

/** The condition of a filter on one of the tables. Adds its parameters to `values`. */
export function conditionOf(
  table: "calls" | "ended_calls",
  query: CallFilter & { readonly after?: string | undefined },
  values: Parameter[],
): string {
  const where: string[] = [stateCondition(table, statesIn(table, query))];
  const add = (value: Parameter | undefined, condition: (place: string) => string) => {
    if (value !== undefined) where.push(condition(`$${values.push(value)}`));
  };
  const { id, queue, origin, keyId, functions, acceptedSince, acceptedUntil, after } = query;
  add(id, (place) => `id = ${place}`);
  add(after, (place) => `id < ${place}`);
  add(queue, (place) => `queue = ${place}`);
  // Calls of a function are found by an index, those of a queue are not.
  if (queue?.startsWith("fn/")) add(queue.slice("fn/".length), (place) => `"function" = ${place}`);
  if (queue?.startsWith("sub/")) addOrigin({ kind: "subscription", name: queue.slice("sub/".length) });
  if (origin) addOrigin(origin);
  add(keyId, (place) => `key_id <> '' AND key_id = ${place}`);
  add(functions, (place) => `"function" = ANY(${place})`);
  add(acceptedSince, (place) => `accepted_at >= ${place}`);
  add(acceptedUntil, (place) => `accepted_at < ${place}`);
  return where.join(" AND ");

  function addOrigin({ kind, name }: NonNullable<CallFilter["origin"]>): void {
    add(kind, (place) => `origin_kind = ${place}`);
    add(name, (place) => `origin_name <> '' AND origin_name = ${place}`);
  }
}

/** With literals, so that partial indexes are found. */
function stateCondition(table: "calls" | "ended_calls", states: readonly CallState[]): string {
  if (states.length === 0) return "FALSE";
  if (table === "ended_calls") {
    return states.length === 1 ? `state = '${states[0]}'` : `state IN ('${states.join("', '")}')`;
  }
  if (states.length === 2) return "TRUE";
  return states[0] === "running" ? "state = 'running'" : "state IN ('ready', 'delayed', 'blocked')";
}
