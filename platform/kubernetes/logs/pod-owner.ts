import { createHash } from "node:crypto";
import type { Pod } from "../cluster/resources.ts";

/**
 * Returns which manager reads the log of a pod: the one with the highest hash together with it. When a manager comes or
 * goes, only the pods that it gets or had change their reader (rendezvous hashing).
 */
export function readerOf(pod: string, managers: readonly string[]): string | undefined {
  const score = (manager: string) => createHash("sha256").update(`${manager} ${pod}`).digest("hex");
  const scored = managers.map((manager) => ({ manager, score: score(manager) }));
  return scored.sort((a, b) => (a.score < b.score ? 1 : -1))[0]?.manager;
}

/** Whether a manager works: it is ready, and does not end. */
export function isAtWork({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined) return false;
  return status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
}
