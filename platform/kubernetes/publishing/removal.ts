import { Problem } from "../../problems.ts";
import type { KubeApi } from "../cluster/api.ts";
import { delay } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { isTerminating } from "../objects/pod-state.ts";

export interface RemovalOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly signal: AbortSignal;
}

const OWNED = [
  KINDS.configMaps,
  KINDS.deployments,
  KINDS.services,
  KINDS.autoscalers,
  KINDS.networkPolicies,
  KINDS.endpointSlices,
];
const PAUSE_MS = 250;
/** Calls that take longer than this moment end after the removal was answered. */
const MOMENT_MS = 20_000;
const WITHIN_MS = 60_000;

/**
 * A pod that was claimed belongs to the pool's ReplicaSet as well, and so does not follow its Function.
 */
async function deleteClaimed(pods: readonly Pod[], { api, namespace }: RemovalOptions): Promise<void> {
  const claimed = pods.filter(
    (pod) => pod.metadata.labels?.[LABELS.claimedFor] !== undefined && !isTerminating(pod),
  );
  const places = claimed.map(({ metadata }) => ({ kind: KINDS.pods, namespace, name: metadata.name }));
  await Promise.all(places.map((place) => api.delete(place, "Background")));
}

/**
 * Deletes a Function and waits until what it owned is gone; pods with long calls may take longer. False if there was
 * none. The cluster's garbage collector does the work, also if nobody waits.
 * @throws Problem `platform_unavailable` if it does not
 */
export async function removeFunction(name: string, options: RemovalOptions): Promise<boolean> {
  const { api, namespace, signal } = options;
  const deleted = await api.delete({ kind: KINDS.functions, namespace, name }, "Background");
  if (!deleted) return false;
  const startedMs = performance.now();
  const selector = `${LABELS.function}=${name}`;
  for (;;) {
    const lists = OWNED.map((kind) =>
      api.list({ kind, namespace }, selector, { metadataOnly: true, signal }),
    );
    const owned = (await Promise.all(lists)).reduce((sum, { items }) => sum + items.length, 0);
    const ours = [selector, `${LABELS.claimedFor}=${name}`].map((each) =>
      api.list<Pod>({ kind: KINDS.pods, namespace }, each, { signal }),
    );
    const pods = (await Promise.all(ours)).flatMap(({ items }) => items);
    const waitedMs = performance.now() - startedMs;
    if (owned === 0 && (pods.length === 0 || (waitedMs > MOMENT_MS && pods.every(isTerminating))))
      return true;
    if (waitedMs > WITHIN_MS) break;
    await deleteClaimed(pods, options);
    await delay(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
  const detail = `"${name}" takes no calls any more, but what it owned is not all gone after ${WITHIN_MS / 1_000} s; the cluster goes on removing it.`;
  throw new Problem("platform_unavailable", detail, { retryAfterS: 10 });
}
