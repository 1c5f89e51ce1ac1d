import type { IncomingMessage } from "node:http";
import { WITHHELD_FIELDS } from "../../http/fields.ts";
import type { TriggerRequest } from "../../platform/flows/run/entry.ts";

/** Credentials, which are not kept, and fields of the connection. */
const DROPPED = new Set(
  [...WITHHELD_FIELDS, "Authorization", "Cookie", "Content-Length"].map((name) => name.toLowerCase()),
);

/** Returns the path below that of a trigger; undefined for another one. */
export function pathBelow(root: string, path: string): string | undefined {
  if (root === "/") return path;
  if (path === root) return "/";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** Returns what a run keeps of the request that began it. A parameter that occurs several times has its last value. */
export function triggerRequest(
  { method, headersDistinct }: IncomingMessage,
  path: string,
  query: URLSearchParams,
): TriggerRequest {
  const kept = Object.entries(headersDistinct).filter(
    ([name]) => !DROPPED.has(name) && !name.startsWith("x-skiff-") && !name.startsWith("skiff-"),
  );
  return {
    method: method!,
    path,
    query: Object.fromEntries(query),
    headers: Object.fromEntries(kept.map(([name, values = []]) => [name, values.join(", ")])),
  };
}
