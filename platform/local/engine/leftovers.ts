import { createHash } from "node:crypto";
import type { Engine } from "./engine.ts";

/** Labels of the containers that Skiff makes. */
export const LABELS = {
  /** Identifies the data folder. */
  owner: "dev.skiff.owner",
  /** `instance` or `command`. */
  kind: "dev.skiff.kind",
  /** Of the instance or the command. */
  id: "dev.skiff.id",
  /** Unique for each process of Skiff. */
  run: "dev.skiff.run",
} as const;

export type ContainerKind = "instance" | "command";

/** What this process labels its containers with. */
export interface Ownership {
  readonly owner: string;
  readonly run: string;
}

/** @param identity of the data folder, such as `InstanceFolder.owner` */
export function ownershipOf(identity: string, run: string): Ownership {
  return { owner: createHash("sha256").update(identity).digest("hex").slice(0, 16), run };
}

export function labelsOf(
  { owner, run }: Ownership,
  { kind, id }: { kind: ContainerKind; id: string },
): Readonly<Record<string, string>> {
  return { [LABELS.owner]: owner, [LABELS.kind]: kind, [LABELS.id]: id, [LABELS.run]: run };
}

export interface SweepOptions {
  readonly kind: ContainerKind;
  /** Ids of what this process runs. */
  readonly isAlive: (id: string) => boolean;
  /** Least age of a container of this process: a younger one may be about to become known. */
  readonly youngMs: number;
}

/**
 * Removes containers of this data folder that nothing runs any more: all of earlier processes, and those of this one that it
 * does not know, such as one whose creation was cut short. Returns how many.
 */
export async function sweepContainers(
  engine: Engine,
  { owner, run }: Ownership,
  { kind, isAlive, youngMs }: SweepOptions,
): Promise<number> {
  const nowMs = Date.now();
  const all = await engine.list({ [LABELS.owner]: owner, [LABELS.kind]: kind });
  const left = all.filter(({ labels, createdAt }) => {
    if (labels[LABELS.run] !== run) return true;
    return !isAlive(labels[LABELS.id] ?? "") && nowMs - createdAt.getTime() > youngMs;
  });
  for (const { id } of left) await engine.remove(id);
  return left.length;
}
