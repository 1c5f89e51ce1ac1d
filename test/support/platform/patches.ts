import type { JsonOperation } from "../../../platform/kubernetes/cluster/api.ts";

/** RFC 6902; undefined if a `test` in it fails. */
export function patched<T extends object>(operations: readonly JsonOperation[], before: T): T | undefined {
  const next = structuredClone(before) as Record<string, unknown>;
  for (const { op, path, value } of operations) {
    const keys = path.split("/").slice(1);
    const names = keys.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = names.pop()!;
    const inside = (object: Record<string, unknown>, key: string) => object[key] as Record<string, unknown>;
    const parent = names.reduce(inside, next);
    if (parent === undefined || (op === "remove" && !(last in parent))) return undefined;
    if (op === "test" && JSON.stringify(parent[last]) !== JSON.stringify(value)) return undefined;
    if (op === "remove") delete parent[last];
    else if (op === "add" && Array.isArray(parent) && last === "-") parent.push(value);
    else if (op !== "test") parent[last] = value;
  }
  return next as T;
}

/** RFC 7396. */
export function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === "object" && target !== null && !Array.isArray(target) ? target : {};
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}
