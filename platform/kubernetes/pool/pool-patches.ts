import type { JsonOperation } from "../cluster/api.ts";
import type { Pod, ReplicaSet } from "../cluster/resources.ts";
import { type Owner, ownerReference } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";

/**
 * Patches that move a pod out of the pool: free → claimed (by one program) → loaded (takes calls) → adopted. A claimed or
 * loaded pod can become spent, and the leader deletes it. No patch leads back.
 */

/**
 * Claims a free pod for a function. The pool's ReplicaSet counts the pod until it is adopted, and creates the next one
 * only then: its start would take CPU from the load of the claimed pod.
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

/** Labels a claimed pod with its version. From then on all routers send calls to it. */
export function loadedPatch(pod: Pod, { name, version }: { name: string; version: number }): JsonOperation[] {
  return [
    ...onlyIf(pod, "claimed"),
    label("replace", LABELS.pool, "loaded"),
    label("add", LABELS.function, name),
    label("add", LABELS.version, String(version)),
  ];
}

/** Moves a loaded pod to the ReplicaSet of its version. */
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

/** Gives up a pod that may hold a function and that nobody else can use. */
export function spentPatch(pod: Pod, state: "claimed" | "loaded"): JsonOperation[] {
  const leavePool: JsonOperation = { op: "remove", path: pathOfLabel(LABELS.app) };
  return [...onlyIf(pod, state), label("replace", LABELS.pool, "spent"), leavePool];
}

function onlyIf({ metadata }: Pod, state: "free" | "claimed" | "loaded"): JsonOperation[] {
  return [
    { op: "test", path: "/metadata/uid", value: metadata.uid },
    { op: "test", path: pathOfLabel(LABELS.pool), value: state },
  ];
}

function label(op: "add" | "replace", name: string, value: string): JsonOperation {
  return { op, path: pathOfLabel(name), value };
}

/** Returns a JSON pointer (RFC 6901, section 3). */
function pathOfLabel(name: string): string {
  return `/metadata/labels/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
