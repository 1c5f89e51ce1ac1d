import { Problem } from "../platform/problems.ts";

/** Returns whether the store is out of reach, so that the same will work later. */
export function isAway(error: unknown): boolean {
  return error instanceof Problem && (error.code === "store_unavailable" || error.code === "draining");
}
