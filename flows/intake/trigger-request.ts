import type { IncomingMessage } from "node:http";
import { isCredentialField, WITHHELD_FIELDS } from "../../http/fields.ts";
import type { TriggerRequest } from "../../platform/flows/run/entry.ts";

/** Fields of the connection, and those that Skiff sets. */
const DROPPED = new Set([...WITHHELD_FIELDS, "Content-Length"].map((name) => name.toLowerCase()));

/** Returns the path below that of a trigger; undefined for another one. */
export function pathBelow(root: string, path: string): string | undefined {
  if (root === "/") return path;
  if (path === root) return "/";
  return path.startsWith(`${root}/`) ? path.slice(root.length) : undefined;
}

/** Returns what a run keeps of the request that began it: whoever reads the run sees it, so credentials are left out. A parameter that occurs several times has its last value. */
export function triggerRequest(
  { method, headersDistinct }: IncomingMessage,
  path: string,
  query: URLSearchParams,
): TriggerRequest {
  const kept = Object.entries(headersDistinct).filter(
    ([name]) => !DROPPED.has(name) && !isCredentialField(name) && !/^(?:x-)?skiff-/.test(name),
  );
  return {
    method: method!,
    path,
    query: Object.fromEntries(query),
    headers: Object.fromEntries(kept.map(([name, values = []]) => [name, values.join(", ")])),
  };
}
