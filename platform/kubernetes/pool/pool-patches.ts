import type { JsonOperation } from "../cluster/api.ts";
import type { Pod, ReplicaSet } from "../cluster/resources.ts";
import type { Owner } from "../objects/manifests.ts";
import { ownerReference } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";

/**
 * A pod's way out of the pool, as patches that the API server applies whole or not at all: free → claimed (one of
 * all who try) → loaded (it takes calls) → adopted. Before that it may be spent, and the leader deletes it. None of
 * them ever leads back.
 */

/**
 * Takes a free pod for a function. The pool's ReplicaSet counts it until it is adopted: only then does it make another
 * one, whose start would take the processors that the claimed one needs to load.
 */
export function claimPatch(pod: Pod, owner: Owner): JsonOperation[] {
  const { blockOwnerDeletion: _, ...reference } = ownerReference(owner);
  return [
    ...onlyIf(pod, "free"),
    label("replace", LABELS.pool, "claimed"),
    label("add", LABELS.claimedFor, owner.name),
    { op: "add", path: "/metadata/ownerReferences/-", value: { ...reference, controller: false } },
  ];
}

/** Says what a claimed pod runs: from then on all routers send calls to it. */
export function loadedPatch(pod: Pod, { name, version }: { name: string; version: number }): JsonOperation[] {
  return [
    ...onlyIf(pod, "claimed"),
    label("replace", LABELS.pool, "loaded"),
    label("add", LABELS.function, name),
    label("add", LABELS.version, String(version)),
  ];
}

/** Makes a loaded pod one of the function's ReplicaSet, as if that had made it. */
export function adoptionPatch(pod: Pod, replicaSet: ReplicaSet): JsonOperation[] {
  const { metadata } = replicaSet;
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: metadata.name, uid: metadata.uid };
  return [
    ...onlyIf(pod, "loaded"),
    label("replace", LABELS.pool, "adopted"),
    { op: "remove", path: pathOfLabel(LABELS.app) },
    { op: "remove", path: pathOfLabel(LABELS.claimedFor) },
    label("replace", LABELS.templateHash, metadata.labels?.[LABELS.templateHash] ?? ""),
    { op: "replace", path: "/metadata/ownerReferences", value: [{ ...owner, controller: true }] },
  ];
}

/** Gives up a pod, which may hold a function: nobody else can use it. */
export function spentPatch(pod: Pod, state: "claimed" | "loaded"): JsonOperation[] {
  const leavesPool: JsonOperation = { op: "remove", path: pathOfLabel(LABELS.app) };
  return [...onlyIf(pod, state), label("replace", LABELS.pool, "spent"), leavesPool];
}

type State = "free" | "claimed" | "loaded";

function onlyIf({ metadata }: Pod, state: State): JsonOperation[] {
  return [
    { op: "test", path: "/metadata/uid", value: metadata.uid },
    { op: "test", path: pathOfLabel(LABELS.pool), value: state },
  ];
}

function label(op: "add" | "replace", name: string, value: string): JsonOperation {
  return { op, path: pathOfLabel(name), value };
}

/** As a JSON pointer (RFC 6901, section 3). */
function pathOfLabel(name: string): string {
  return `/metadata/labels/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
