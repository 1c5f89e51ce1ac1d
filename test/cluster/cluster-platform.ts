import { randomBytes } from "node:crypto";
import { KubeApi } from "../../platform/kubernetes/cluster/api.ts";
import { type Connection, connectToCluster } from "../../platform/kubernetes/cluster/client.ts";
import { KINDS, type Pod } from "../../platform/kubernetes/cluster/resources.ts";
import { OnceKeeper } from "../../platform/kubernetes/control/once-keeper.ts";
import { Reconciler, type ReconcilerOptions } from "../../platform/kubernetes/control/reconciler.ts";
import { Sleeper } from "../../platform/kubernetes/control/sleeper.ts";
import {
  KubernetesPlatform,
  type KubernetesPlatformOptions,
} from "../../platform/kubernetes/kubernetes-platform.ts";
import { PoolKeeper } from "../../platform/kubernetes/pool/pool-keeper.ts";
import { poolKeys } from "../../platform/kubernetes/pool/pool-keys.ts";
import { type Limits, limitsFromEnv } from "../../platform/limits.ts";
import { eventually } from "../support/eventually.ts";
import { kubectl } from "./kubectl.ts";

/** Label of a namespace that admits nothing but what the strictest Pod Security level allows. */
const RESTRICTED = "pod-security.kubernetes.io/enforce=restricted";

export interface OpenOptions {
  /** A namespace of a platform before; otherwise a new one, which `close` removes. */
  readonly namespace?: string;
  /** Pods of the pool; 2 by default, as in an installation. */
  readonly poolSize?: number;
  readonly sendToPod?: KubernetesPlatformOptions["sendToPod"];
  readonly limits?: Partial<Limits>;
}

/** Longer than an adoption may take, and shorter than in an installation, which tests would wait for. */
const CLAIM_MS = 30_000;
/** Shorter than in an installation as well. */
const KEYLESS_MS = 1_000;
const POOL_SECRET = "what these tests load pods of the pool with";

/** A platform on the cluster of KUBECONFIG, in a namespace of its own, with what the leader runs. */
export class ClusterPlatform {
  readonly platform: KubernetesPlatform;
  readonly api: KubeApi;
  readonly namespace: string;
  readonly keys = poolKeys(POOL_SECRET);
  /** What was printed for people. */
  readonly lines: string[] = [];
  /** Requests of `api` that are no reads, as `METHOD path`. */
  readonly writes: string[];
  readonly #shared: Omit<ReconcilerOptions, "build" | "urlOf">;
  #reconciler: Reconciler;
  readonly #sleeper: Sleeper;
  readonly #once: OnceKeeper;
  readonly #keeper: PoolKeeper;
  readonly #pods: KubernetesPlatformOptions;

  static async open({ namespace, ...options }: OpenOptions = {}): Promise<ClusterPlatform> {
    const name = namespace ?? `skiff-test-${randomBytes(4).toString("hex")}`;
    if (namespace === undefined) {
      await kubectl("create", "namespace", name);
      await kubectl("label", "namespace", name, RESTRICTED);
      await eventually("the namespace has its service account", async () => {
        const accounts = await kubectl("get", "serviceaccounts", "-n", name, "-o", "name");
        return accounts.includes("default");
      });
    }
    const cluster = new ClusterPlatform(await connectToCluster(), name, options);
    await cluster.platform.synced;
    return cluster;
  }

  private constructor(
    connection: Connection,
    namespace: string,
    { poolSize = 2, sendToPod, ...options }: OpenOptions,
  ) {
    this.writes = [];
    const api = new KubeApi(counted(connection, this.writes));
    // As kubernetes.yaml has it.
    const limits = { ...limitsFromEnv({ SKIFF_INSTANCE_WAIT: "60s", ...process.env }), ...options.limits };
    const print = (line: string) => void this.lines.push(line);
    this.api = api;
    this.namespace = namespace;
    const image = process.env.SKIFF_CLIENT_IMAGE ?? "skiff-client:0.1.0";
    const pods = { api, limits, image, namespace, print, cpuRequest: "10m" };
    this.#pods = { ...pods, poolSecret: POOL_SECRET };
    this.platform = new KubernetesPlatform({ ...this.#pods, ...(sendToPod ? { sendToPod } : {}) });
    const times = { everyMs: 200, claimMs: CLAIM_MS, keylessMs: KEYLESS_MS };
    this.#keeper = new PoolKeeper({ ...pods, ...times, size: poolSize, keys: this.keys });
    const shared = { api, platform: this.platform, namespace, limits, print };
    this.#shared = shared;
    this.#reconciler = this.#lead();
    this.#once = new OnceKeeper({
      ...shared,
      replicas: (name, version) => this.#reconciler.replicas(name, version),
      pods: (name) => this.#reconciler.pods(name),
      loads: async () => [this.platform.loads.read()],
    });
    this.#sleeper = new Sleeper({
      ...shared,
      replicas: (name, version) => this.#reconciler.replicas(name, version),
      wake: (name, version) => this.#reconciler.wake(name, version),
      loads: async () => [this.platform.loads.read()],
      everyMs: 200,
    });
  }

  /** Another leader begins, and lists everything again. */
  async replaceLeader(): Promise<void> {
    await this.#reconciler.close();
    this.#reconciler = this.#lead();
  }

  #lead(): Reconciler {
    return new Reconciler({
      ...this.#shared,
      // Code of these tests needs no building.
      build: async (source) => ({ kind: "module", code: source.bytes }),
      urlOf: (name) => `/fn/${name}`,
    });
  }

  /** One more manager or router, which whoever asks for it closes. */
  async another(
    options: Pick<KubernetesPlatformOptions, "sendToPod" | "commandOwner"> = {},
  ): Promise<KubernetesPlatform> {
    const api = new KubeApi(await connectToCluster());
    const platform = new KubernetesPlatform({ ...this.#pods, ...options, api });
    await platform.synced;
    return platform;
  }

  /** Pods that are where they are on their way out of the pool, by name. */
  async poolPods(state: "free" | "claimed" | "adopted" | "spent"): Promise<Pod[]> {
    const place = { kind: KINDS.pods, namespace: this.namespace };
    return [...(await this.api.list<Pod>(place, `skiff.dev/pool=${state}`)).items];
  }

  /** Sends every function to sleep, by the way of another platform: this one is closed. */
  async sleepAll(): Promise<void> {
    const selector = ["-l", "skiff.dev/function"];
    const deployments = await kubectl("get", "deployments", "-n", this.namespace, "-o", "name", ...selector);
    for (const name of deployments.split("\n").filter((line) => line !== "")) {
      await kubectl("scale", "-n", this.namespace, name, "--replicas=0");
    }
    await eventually(
      "every pod is gone",
      async () => (await kubectl("get", "pods", "-n", this.namespace, "-o", "name", ...selector)) === "",
      30_000,
    );
  }

  async close(): Promise<void> {
    await this.#keeper.close();
    await this.#sleeper.close();
    await this.#once.close();
    await this.#reconciler.close();
    await this.platform.close();
    await kubectl("delete", "namespace", this.namespace, "--ignore-not-found", "--wait=false");
  }
}

function counted(connection: Connection, writes: string[]): Connection {
  const dispatcher = connection.dispatcher.compose((dispatch) => (options, handler) => {
    if (options.method !== "GET") writes.push(`${options.method} ${options.path}`);
    return dispatch(options, handler);
  });
  return { ...connection, dispatcher };
}
