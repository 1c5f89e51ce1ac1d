import { Problem } from "../../problems.ts";
import { currentOf } from "../../traffic.ts";
import type { KubeApi } from "../cluster/api.ts";
import { clusterProblem } from "../cluster/api-error.ts";
import { Mirror } from "../cluster/mirror.ts";
import { type Deployment, KINDS, type Pod } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { deploymentName, LABELS } from "../objects/names.ts";
import { isReady, isTerminating, type Trouble, troubleOf } from "../objects/pod-state.ts";

export interface ReadinessOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly endpoints: EndpointsMirror;
}

export interface Awaited {
  readonly name: string;
  readonly version: number;
  readonly withinMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A version that does not come up, with what its pods say. */
export class NotReady extends Error {
  override readonly name = "NotReady";
  readonly trouble: Trouble | undefined;

  constructor(message: string, trouble?: Trouble) {
    super(message);
    this.trouble = trouble;
  }
}

/**
 * Resolves when calls go to pods of this version and no other.
 * @throws the signal's reason; NotReady when a pod of it shows that it cannot start, or the time is over
 */
export async function versionServes(awaited: Awaited, options: ReadinessOptions): Promise<void> {
  const { name, version, withinMs, signal } = awaited;
  const { api, namespace, endpoints } = options;
  const isServing = () => {
    const serving = currentOf(endpoints.get(name));
    return serving?.version === version && serving.instances.length > 0;
  };
  if (isServing()) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const troubles = new Map<string, Trouble>();
  const look = () => {
    if (isServing()) resolve();
  };
  const pods = new Mirror<Pod>({
    api,
    place: { kind: KINDS.pods, namespace },
    labelSelector: `${LABELS.function}=${name},${LABELS.version}=${version}`,
    onChange: (key, pod) => {
      const trouble = pod && troubleOf(pod);
      if (!trouble || !pod || isReady(pod)) return void troubles.delete(key);
      troubles.set(key, trouble);
      if (trouble.final && !isTerminating(pod)) reject(new NotReady(trouble.message, trouble));
    },
  });
  const unwatch = endpoints.watch(look);
  const leave = () => reject(signal?.reason);
  signal?.addEventListener("abort", leave);
  if (signal?.aborted) leave();
  const timer = setTimeout(() => {
    lateness(awaited, options, [...troubles.values()][0]).then(reject, (error) =>
      reject(clusterProblem(error)),
    );
  }, withinMs);
  look();
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    unwatch();
    signal?.removeEventListener("abort", leave);
    await pods.close();
  }
}

/** Why nothing is ready at the end of the time: the pods know it, or why there are no pods does. */
async function lateness(
  { name, withinMs }: Awaited,
  { api, namespace }: ReadinessOptions,
  trouble: Trouble | undefined,
): Promise<NotReady> {
  const limit = `was not ready within ${withinMs / 1_000} s (limit SKIFF_START_TIMEOUT)`;
  if (trouble) return new NotReady(`${limit}: ${trouble.message}`, trouble);
  const place = { kind: KINDS.deployments, namespace, name: deploymentName(name) };
  const deployment = await api.get<Deployment>(place);
  const failure = replicaFailure(deployment);
  return failure ? new NotReady(`${limit}: ${failure.message}`, failure) : new NotReady(limit);
}

/** Quotas and admission refuse pods before there is one to ask; the Deployment has their words. */
export function replicaFailure(deployment: Deployment | undefined): Trouble | undefined {
  const failure = deployment?.status?.conditions?.find(({ type }) => type === "ReplicaFailure");
  if (failure?.status !== "True") return undefined;
  const reason = /quota/i.test(failure.message ?? "") ? "QuotaExceeded" : "PodRefused";
  return { reason, message: `The cluster refuses the pod: ${failure.message}`, log: [], final: false };
}

export function startFailed({ message, trouble }: NotReady): Problem {
  const log = trouble?.log ?? [];
  const last = log.length > 0 ? ` Its last lines:\n${log.join("\n")}` : "";
  return new Problem(
    "start_failed",
    `The new version does not start: ${message} Nothing was changed.${last}`,
    {
      log: [...log],
    },
  );
}
