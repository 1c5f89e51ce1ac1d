import { Problem } from "./problems.ts";

export interface PinChange {
  readonly version: number;
  readonly isPinned: boolean;
  /** Most pinned versions of a function. */
  readonly most: number;
}

/** @throws Problem `invalid_request` if the function would have too many pinned versions */
export function checkPins(pinned: ReadonlySet<number>, { version, isPinned, most }: PinChange): void {
  if (!isPinned || pinned.has(version) || pinned.size < most) return;
  const list = [...pinned].sort((a, b) => a - b).join(", ");
  const detail = `${pinned.size} versions are pinned (${list}), at most ${most}: unpin one, or raise SKIFF_VERSIONS_KEPT.`;
  throw new Problem("invalid_request", detail, { setting: "SKIFF_VERSIONS_KEPT" });
}
