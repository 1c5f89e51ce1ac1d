import { KubeApi } from "../../../platform/kubernetes/cluster/api.ts";
import type { MirrorTimes } from "../../../platform/kubernetes/cluster/mirror.ts";
import type { Resource } from "../../../platform/kubernetes/cluster/resources.ts";
import {
  KubernetesPlatform,
  type KubernetesPlatformOptions,
} from "../../../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { FakeApiServer } from "./fake-api-server.ts";

/** Times short enough for tests. */
export const QUICK: MirrorTimes = { watchS: 60, silenceMs: 60_000, firstPauseMs: 5, longestPauseMs: 50 };

const LIMITS = limitsFromEnv({ SKIFF_START_TIMEOUT: "2s", SKIFF_INSTANCE_WAIT: "2s" });

type Template = { metadata: { labels: Record<string, string> }; spec: { hostname: string } };
type DeploymentObject = Resource & { spec: { replicas?: number; template: Template } };

/**
 * A fake API server with what a Deployment brings about: pods of its template that are ready at once, and the
 * EndpointSlice of them. `fails` makes pods of a template crash instead.
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
  #pods = 0;

  static async start(): Promise<FakeCluster> {
    const cluster = new FakeCluster(await FakeApiServer.start());
    await cluster.platform.synced;
    return cluster;
  }

  private constructor(server: FakeApiServer) {
    this.server = server;
    this.api = new KubeApi(server.connection());
    server.onChange = (collection, object) => {
      if (collection !== "deployments" || !object?.metadata.labels?.["skiff.dev/function"]) return;
      const deployment = object as unknown as DeploymentObject;
      this.#putReplicaSet(deployment);
      if (this.makesPods) this.#runPods(deployment);
    };
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

  /** A ready pod that is of no function, as the Deployment of the pool makes it. */
  putFreePod(name: string): void {
    const labels = { app: "skiff-pool", "skiff.dev/pool": "free", "pod-template-hash": "pool" };
    const ownerReferences = [{ kind: "ReplicaSet", name: "skiff-pool-1", uid: "pool" }];
    const status = { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] };
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

  #putReplicaSet({ metadata, spec }: DeploymentObject): void {
    const { labels } = spec.template.metadata;
    const hash = `hash-${labels["skiff.dev/version"]}`;
    this.server.put("replicasets", {
      metadata: {
        name: `${metadata.name}-${hash}`,
        labels: { ...labels, "pod-template-hash": hash },
        ownerReferences: [{ uid: metadata.uid }],
      },
      spec: { replicas: spec.replicas ?? 1 },
    });
  }

  #runPods({ metadata, spec }: DeploymentObject): void {
    const name = metadata.labels!["skiff.dev/function"]!;
    const { labels } = spec.template.metadata;
    const version = Number(labels["skiff.dev/version"]);
    const isMine = (pod: Resource) => pod.metadata.labels?.["skiff.dev/function"] === name;
    const mine = this.server.list(`pods`).filter(isMine);
    const wanted = spec.replicas ?? 1;
    const current = mine.filter((pod) => pod.metadata.labels?.["skiff.dev/version"] === String(version));
    for (let index = current.length; index < wanted; index++) this.#runPod(metadata, labels, version);
    const crashes = this.crashing.has(version);
    const surplus = [
      ...(crashes && wanted > 0 ? [] : mine.filter((pod) => !current.includes(pod))),
      ...current.slice(wanted),
    ];
    for (const pod of surplus) this.server.remove("pods", pod.metadata.name);
    this.#publishSlice(metadata, name);
  }

  #runPod(owner: Resource["metadata"], labels: Record<string, string>, version: number): void {
    const last = this.crashing.get(version);
    const name = `${owner.name}-${++this.#pods}`;
    const terminated = { exitCode: 1, reason: "Error", message: last };
    const status =
      last === undefined
        ? { podIP: "127.0.0.1", conditions: [{ type: "Ready", status: "True" }] }
        : { containerStatuses: [{ name: "function", state: { terminated } }] };
    const ownerReferences = [{ uid: owner.uid }];
    this.server.put("pods", { metadata: { name, labels, ownerReferences }, status });
  }

  #publishSlice(owner: Resource["metadata"], name: string): void {
    const pods = this.server.list<Resource & { status?: { podIP?: string } }>("pods");
    const mine = pods.filter(
      (pod) => pod.metadata.labels?.["skiff.dev/function"] === name && pod.status?.podIP,
    );
    const endpoints = mine.map((pod) => ({
      addresses: ["127.0.0.1"],
      hostname: `v${pod.metadata.labels!["skiff.dev/version"]}`,
      conditions: { ready: true },
      targetRef: { uid: pod.metadata.uid, name: pod.metadata.name },
    }));
    this.server.put("endpointslices", {
      metadata: {
        name: `${name}-service-1`,
        labels: { "skiff.dev/function": name },
        ownerReferences: [{ uid: owner.uid }],
      },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8000 }],
      endpoints,
    });
  }
}
