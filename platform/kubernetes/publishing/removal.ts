import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { delay } from "../cluster/mirror.ts";
import { KINDS, type Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { isTerminating } from "../objects/pod-state.ts";

type RemovalOptions = Cluster & { readonly signal: AbortSignal };

const OWNED = [
  KINDS.configMaps,
  KINDS.deployments,
  KINDS.services,
  KINDS.autoscalers,
  KINDS.networkPolicies,
  KINDS.endpointSlices,
];
const PAUSE_MS = 250;
/** Longer calls end after the removal has resolved. */
const DRAIN_MS = 20_000;
const WITHIN_MS = 60_000;

/** Deletes claimed pods. The cluster does not, because the pool's ReplicaSet owns them as well. */
async function deleteClaimed(pods: readonly Pod[], { api, namespace }: RemovalOptions): Promise<void> {
  const claimed = pods.filter(
    (pod) => pod.metadata.labels?.[LABELS.claimedFor] !== undefined && !isTerminating(pod),
  );
  const places = claimed.map(({ metadata }) => ({ kind: KINDS.pods, namespace, name: metadata.name }));
  await Promise.all(places.map((place) => api.delete(place, "Background")));
}

/**
 * Deletes a Function and waits until the garbage collector has deleted its objects; pods with long calls may take longer.
 * Resolves with false if there is no such Function.
 * @throws Problem `platform_unavailable` if objects are left after a minute
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
    if (owned === 0 && (pods.length === 0 || (waitedMs > DRAIN_MS && pods.every(isTerminating)))) return true;
    if (waitedMs > WITHIN_MS) break;
    await deleteClaimed(pods, options);
    await delay(PAUSE_MS, signal);
    signal.throwIfAborted();
  }
  const detail = `"${name}" takes no calls, but some of its objects are left after ${WITHIN_MS / 1_000} s; the cluster continues to delete them.`;
  throw new Problem("platform_unavailable", detail, { retryAfterS: 10 });
}
