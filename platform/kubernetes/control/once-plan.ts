import type { Pod } from "../cluster/resources.ts";
import { loadKey, type OnceLoad, type RouterLoad } from "../endpoints/load-table.ts";
import { LABELS } from "../objects/names.ts";
import { condition, isReady, isTerminating, restartsOf } from "../objects/pod-state.ts";

export interface OnceInput {
  /** All pods of the version. */
  readonly pods: readonly Pod[];
  readonly load: OnceLoad;
  readonly settings: { readonly min: number; readonly max: number; readonly pool: number };
  /** Replicas of its Deployment now; 0: it sleeps, or its calls take all instances. */
  readonly replicas: number;
  /** Age in milliseconds after which a pod that runs and is not ready was used unseen. */
  readonly overdueMs: number;
  readonly nowMs: number;
}

export interface OncePlan {
  /** Used pods that leave their ReplicaSet, which replaces them. */
  readonly detach: readonly Pod[];
  /** Used pods without a call. */
  readonly remove: readonly Pod[];
  /** Unused pods to keep; undefined if there are as many. */
  readonly replicas: number | undefined;
  /** There are more unused pods than needed; `isOverMost`: with those of calls they are more than `max`. */
  readonly isShrinking: boolean;
  readonly isOverMost: boolean;
}

/** Plans the pods of a version whose instances take one call each. Used pods do not count as replicas. */
export function planOnce(input: OnceInput): OncePlan {
  const { load, settings, replicas, overdueMs, nowMs } = input;
  const pods = input.pods.filter((pod) => !isTerminating(pod));
  const busy = new Set(load.busy);
  const used = new Set([...load.used, ...load.busy]);
  const isUsed = (pod: Pod) =>
    used.has(pod.metadata.uid ?? "") ||
    restartsOf(pod) > 0 ||
    wasReady(pod) ||
    isOverdue(pod, nowMs - overdueMs);
  const isSpent = ({ metadata }: Pod) => metadata.labels?.[LABELS.spent] !== undefined;
  const detach = pods.filter((pod) => !isSpent(pod) && isUsed(pod));
  const remove = pods.filter((pod) => isSpent(pod) && !busy.has(pod.metadata.uid ?? ""));
  const { min, max, pool } = settings;
  const room = Math.max(0, max - busy.size);
  const wanted = Math.min(room, Math.max(load.waiting + pool, min - busy.size));
  const isAwake = replicas > 0 || load.waiting + busy.size > 0;
  return {
    detach,
    remove,
    replicas: isAwake && wanted !== replicas ? wanted : undefined,
    isShrinking: wanted < replicas,
    isOverMost: replicas > room,
  };
}

/** Sums up the load of a version over all routers. */
export function onceLoadOf(name: string, version: number, loads: readonly RouterLoad[]): OnceLoad {
  const each = loads.flatMap(({ versions }) => versions[loadKey(name, version)]?.once ?? []);
  return {
    waiting: each.reduce((sum, { waiting }) => sum + waiting, 0),
    busy: each.flatMap(({ busy }) => busy),
    used: each.flatMap(({ used }) => used),
  };
}

/** It became ready after its container had started, and is not ready any more: it has refused a probe. */
function wasReady(pod: Pod): boolean {
  const ready = condition(pod, "Ready");
  const startedMs = startedAt(pod);
  return !isReady(pod) && startedMs !== undefined && Date.parse(ready?.lastTransitionTime ?? "") > startedMs;
}

function isOverdue(pod: Pod, sinceMs: number): boolean {
  const startedMs = startedAt(pod);
  return !isReady(pod) && startedMs !== undefined && startedMs < sinceMs;
}

/** Returns when its last container started; undefined unless all run. */
function startedAt({ status }: Pod): number | undefined {
  const starts = (status?.containerStatuses ?? []).map(({ state }) =>
    Date.parse(state?.running?.startedAt ?? ""),
  );
  const last = Math.max(...starts);
  return Number.isFinite(last) && !starts.some(Number.isNaN) ? last : undefined;
}
