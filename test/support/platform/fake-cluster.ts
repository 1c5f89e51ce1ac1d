import { KubeApi } from "../../../platform/kubernetes/cluster/api.ts";
import type { MirrorTimes } from "../../../platform/kubernetes/cluster/mirror.ts";
import type { Deployment, Pod, Resource } from "../../../platform/kubernetes/cluster/resources.ts";
import {
  KubernetesPlatform,
  type KubernetesPlatformOptions,
} from "../../../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { FakeApiServer, type ObjectChange } from "./fake-api-server.ts";

/** Times short enough for tests. */
export const QUICK: MirrorTimes = { watchS: 60, silenceMs: 60_000, firstPauseMs: 5, longestPauseMs: 50 };

const LIMITS = limitsFromEnv({ SKIFF_START_TIMEOUT: "2s", SKIFF_INSTANCE_WAIT: "2s" });
const READY = [{ type: "Ready", status: "True" }];

type Template = {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: PodSpec;
};
/** What a kubelet must know of a pod. */
export interface PodSpec {
  readonly hostname?: string;
  readonly volumes?: readonly {
    readonly projected?: { readonly sources: readonly { readonly configMap: { readonly name: string } }[] };
  }[];
}
type WholeDeployment = Deployment & { spec: { template: Template } };

/**
 * Starts a pod that was made, and reports how that goes; returns how it is stopped. By default a pod is ready at once, or
 * crashes.
 */
export type StartPod = (
  server: FakeApiServer,
  pod: Pod & { spec: PodSpec },
  report: (status: Pod["status"]) => void,
) => () => void;

/**
 * A fake API server with the controllers that Skiff relies on: Deployments make a ReplicaSet and its pods, and Services the
 * EndpointSlices of those that are ready.
 */
export class FakeCluster {
  readonly server: FakeApiServer;
  readonly api: KubeApi;
  readonly platform: KubernetesPlatform;
  readonly lines: string[] = [];
  /** Versions whose pods end with these last words. */
  readonly crashing = new Map<number, string>();
  /** False: Deployments make no pods, as where no node has room. */
  makesPods = true;
  readonly #startPod: StartPod;
  readonly #stops = new Map<string, () => void>();
  #pods = 0;

  static async start(startPod?: StartPod): Promise<FakeCluster> {
    const cluster = new FakeCluster(await FakeApiServer.start(), startPod);
    await cluster.platform.synced;
    return cluster;
  }

  private constructor(server: FakeApiServer, startPod?: StartPod) {
    this.server = server;
    this.api = new KubeApi(server.connection());
    this.#startPod = startPod ?? ((_, pod, report) => this.#startAtOnce(pod, report));
    server.onChange = (change) => this.#follow(change);
    this.platform = this.open();
  }

  /** One more manager or router on this cluster. */
  open(options: Partial<KubernetesPlatformOptions> = {}): KubernetesPlatform {
    return new KubernetesPlatform({
      api: new KubeApi(this.server.connection()),
      limits: LIMITS,
      image: "client",
      times: QUICK,
      print: (line) => this.lines.push(line),
      ...options,
    });
  }

  /** Pods that a version should have; undefined if it has no Deployment. */
  replicas(name: string, version: number): number | undefined {
    const deployment = this.server.read<Deployment>("deployments", `${name}.v${version}`);
    return deployment && (deployment.spec.replicas ?? 1);
  }

  /** A ready pod that is of no function, as the Deployment of the pool makes it. */
  putFreePod(name: string): void {
    const labels = { app: "skiff-pool", "skiff.dev/pool": "free", "pod-template-hash": "pool" };
    const ownerReferences = [{ kind: "ReplicaSet", name: "skiff-pool-1", uid: "pool" }];
    const status = { podIP: "127.0.0.1", conditions: READY };
    this.server.put("pods", { metadata: { name, labels, ownerReferences }, status });
  }

  /** What makes the pods of the pool: as many as this, 0 for what is left of one that was switched off. */
  putPool(replicas: number): void {
    const labels = { app: "skiff-pool", "skiff.dev/pool": "free", "pod-template-hash": "pool" };
    this.server.put("replicasets", { metadata: { name: "skiff-pool-1", labels }, spec: { replicas } });
  }

  async close(): Promise<void> {
    await this.platform.close();
    await this.server.down();
  }

  #follow({ collection, object, isDeleted }: ObjectChange): void {
    const name = object.metadata.labels?.["skiff.dev/function"];
    if (name === undefined) return;
    if (collection === "deployments" && !isDeleted) {
      this.#putReplicaSet(object as WholeDeployment);
      this.#runPods(object as WholeDeployment);
    }
    if (collection === "services" && !isDeleted) this.#publishSlice(name);
    if (collection !== "pods") return;
    if (isDeleted) {
      this.#stops.get(object.metadata.name)?.();
      this.#stops.delete(object.metadata.name);
    }
    const deployments = this.server.list<WholeDeployment>("deployments");
    for (const deployment of deployments) {
      if (deployment.metadata.labels?.["skiff.dev/function"] === name) this.#runPods(deployment);
    }
    this.#publishSlice(name);
  }

  #putReplicaSet({ metadata, spec }: WholeDeployment): void {
    const { labels } = spec.template.metadata;
    const hash = `hash-${labels["skiff.dev/version"]}`;
    this.server.put("replicasets", {
      metadata: {
        name: `${metadata.name}-${hash}`,
        labels: { ...labels, "pod-template-hash": hash },
        ownerReferences: [{ uid: metadata.uid, name: metadata.name }],
      },
      spec: { replicas: spec.replicas ?? 1 },
    });
  }

  #setOf({ metadata }: Deployment): Resource {
    const isOwned = (set: Resource) => set.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid);
    return this.server.list("replicasets").find(isOwned)!;
  }

  #runPods(deployment: WholeDeployment): void {
    const set = this.#setOf(deployment);
    const isMine = ({ metadata }: Pod) =>
      metadata.ownerReferences?.some(({ uid }) => uid === set.metadata.uid);
    const mine = this.server.list<Pod>("pods").filter(isMine);
    const wanted = deployment.spec.replicas ?? 1;
    if (this.makesPods) {
      for (let index = mine.length; index < wanted; index++) this.#runPod(deployment, set);
    }
    // One that is not ready goes first, and the newest of equals.
    const isReady = ({ status }: Pod) => Number(status?.conditions?.[0]?.status === "True");
    const surplus = mine.toReversed().sort((a, b) => isReady(a) - isReady(b));
    for (const pod of surplus.slice(0, Math.max(0, mine.length - wanted))) {
      this.server.remove("pods", pod.metadata.name);
    }
    const readyReplicas = this.server.list<Pod>("pods").filter((pod) => isMine(pod) && isReady(pod)).length;
    const latest = this.server.read<Deployment>("deployments", deployment.metadata.name);
    if (!latest || (latest.status?.readyReplicas ?? 0) === readyReplicas) return;
    this.server.put("deployments", { ...latest, status: { readyReplicas } });
  }

  #runPod({ spec }: WholeDeployment, set: Resource): void {
    const name = `${set.metadata.name}-${++this.#pods}`;
    const { uid, name: owner, labels } = set.metadata;
    const metadata = { name, labels, ownerReferences: [{ kind: "ReplicaSet", uid, name: owner }] };
    this.server.put("pods", { metadata, spec: spec.template.spec });
    const pod = this.server.read<Pod & { spec: PodSpec }>("pods", name);
    // Its function may be gone again.
    if (!pod) return;
    const report = (status: Pod["status"]) => {
      const latest = this.server.read<Pod>("pods", name);
      if (latest?.metadata.uid === pod.metadata.uid) this.server.put("pods", { ...latest, status });
    };
    this.#stops.set(name, this.#startPod(this.server, pod, report));
  }

  #startAtOnce({ metadata }: Pod, report: (status: Pod["status"]) => void): () => void {
    const last = this.crashing.get(Number(metadata.labels?.["skiff.dev/version"]));
    report(last === undefined ? { podIP: "127.0.0.1", conditions: READY } : crashed(last));
    return () => {};
  }

  #publishSlice(name: string): void {
    const service = this.server.read("services", `${name}-service`);
    if (!service) return;
    const pods = this.server.list<Pod & { spec?: PodSpec }>("pods");
    const mine = pods.filter(
      ({ metadata, status }) =>
        metadata.labels?.["skiff.dev/function"] === name && status?.conditions?.[0]?.status === "True",
    );
    const endpoints = mine.map(({ metadata, spec, status }) => ({
      addresses: [status!.podIP],
      ...(spec?.hostname === undefined ? {} : { hostname: spec.hostname }),
      conditions: { ready: true },
      targetRef: { uid: metadata.uid, name: metadata.name },
    }));
    this.server.put("endpointslices", {
      metadata: {
        name: `${name}-service-1`,
        labels: { "skiff.dev/function": name },
        ownerReferences: [{ uid: service.metadata.uid }],
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8000 }],
      endpoints,
    });
  }
}

/** The status of a pod whose container has ended with these lines. */
export function crashed(message: string): NonNullable<Pod["status"]> {
  return {
    containerStatuses: [
      { name: "function", state: { terminated: { exitCode: 1, reason: "Error", message } } },
    ],
  };
}
