import type { JsonOperation } from "../api.ts";
import type { Owner } from "../manifests.ts";
import { ownerReference } from "../manifests.ts";
import { LABELS } from "../names.ts";
import type { Pod, ReplicaSet } from "../resources.ts";

/**
 * A pod's way out of the pool, as patches that the API server applies whole or not at all: free → claimed (one of
 * all who try) → adopted, or spent, which the leader deletes. None of them ever leads back.
 */

export interface Claim {
  readonly owner: Owner;
  readonly at: Date;
}

/**
 * Takes a free pod for a function. The pool's ReplicaSet makes another one; the Function owns this one until its
 * ReplicaSet does, so that nothing is left of it when the Function is deleted in between.
 */
export function claimPatch(pod: Pod, { owner, at }: Claim): JsonOperation[] {
  const seconds = String(Math.floor(at.getTime() / 1_000));
  const { blockOwnerDeletion: _, ...reference } = ownerReference(owner);
  return [
    ...onlyIf(pod, "free"),
    label("replace", LABELS.pool, "claimed"),
    label("add", LABELS.claimedFor, owner.name),
    label("add", LABELS.claimedAt, seconds),
    { op: "replace", path: "/metadata/ownerReferences", value: [{ ...reference, controller: false }] },
  ];
}

export interface Adoption {
  readonly name: string;
  readonly version: number;
  readonly replicaSet: ReplicaSet;
}

/** Makes a claimed pod one of the function's ReplicaSet, as if that had made it; from then on others send calls to it. */
export function adoptionPatch(pod: Pod, { name, version, replicaSet }: Adoption): JsonOperation[] {
  const { metadata } = replicaSet;
  const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: metadata.name, uid: metadata.uid };
  return [
    ...onlyIf(pod, "claimed"),
    label("replace", LABELS.pool, "adopted"),
    { op: "remove", path: pathOfLabel(LABELS.claimedFor) },
    { op: "remove", path: pathOfLabel(LABELS.claimedAt) },
    label("add", LABELS.function, name),
    label("add", LABELS.version, String(version)),
    label("replace", LABELS.templateHash, metadata.labels?.[LABELS.templateHash] ?? ""),
    { op: "replace", path: "/metadata/ownerReferences", value: [{ ...owner, controller: true }] },
  ];
}

/** Gives up a claimed pod, which may hold a function: nobody else can use it. */
export function spentPatch(pod: Pod): JsonOperation[] {
  return [...onlyIf(pod, "claimed"), label("replace", LABELS.pool, "spent")];
}

type State = "free" | "claimed";

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
