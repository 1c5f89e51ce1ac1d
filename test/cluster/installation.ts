import { KubeApi } from "../../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../../platform/kubernetes/cluster/client.ts";
import { Mirror } from "../../platform/kubernetes/cluster/mirror.ts";
import { KINDS, type Pod } from "../../platform/kubernetes/cluster/resources.ts";
import { LABELS } from "../../platform/kubernetes/objects/names.ts";
import { isReady } from "../../platform/kubernetes/objects/pod-state.ts";
import { eventually } from "../support/eventually.ts";
import { kubectl } from "./kubectl.ts";

const INSTALLED_WITHIN_MS = 120_000;

export interface Deployed {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/**
 * Skiff as kubernetes.yaml installs it. Its Services are asked by their cluster addresses, so this program must run
 * where those are reached: on a node, or in a pod.
 */
export class Installation {
  readonly manager: string;
  readonly router: string;
  readonly events: string;
  readonly token: string;

  /** @param variables of the managers */
  static async install(variables: Readonly<Record<string, string>> = {}): Promise<Installation> {
    await kubectl("apply", "-f", "kubernetes.yaml");
    const values = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    if (values.length > 0) {
      await kubectl("set", "env", "-n", "skiff", "deployment/skiff-manager", ...values);
      await kubectl("rollout", "status", "-n", "skiff", "deployment/skiff-manager", "--timeout=50s");
    }
    await eventually(
      "the dashboard, two pods of events, two managers and two routers are ready",
      async () => {
        const ready = await kubectl(
          "get",
          "deployments",
          "-n",
          "skiff",
          "-o",
          "jsonpath={.items[*].status.readyReplicas}",
        );
        return ready === "1 2 2 2";
      },
      INSTALLED_WITHIN_MS,
    );
    const address = (name: string) =>
      kubectl("get", "service", "-n", "skiff", name, "-o", "jsonpath={.spec.clusterIP}");
    const secret = await kubectl(
      "get",
      "secret",
      "-n",
      "skiff",
      "skiff-token",
      "-o",
      "jsonpath={.data.token}",
    );
    const addresses = {
      manager: await address("skiff-manager"),
      router: await address("skiff-router"),
      events: await address("skiff-events"),
      token: Buffer.from(secret, "base64").toString(),
    };
    const installation = new Installation(new KubeApi(await connectToCluster()), addresses);
    await installation.#pods.synced;
    return installation;
  }

  readonly #api: KubeApi;
  readonly #pods: Mirror<Pod>;

  private constructor(
    api: KubeApi,
    { manager, router, events, token }: Record<"manager" | "router" | "events" | "token", string>,
  ) {
    this.manager = `http://${manager}`;
    this.router = `http://${router}`;
    this.events = `http://${events}`;
    this.token = token;
    this.#api = api;
    this.#pods = new Mirror<Pod>({
      api,
      place: { kind: KINDS.pods, namespace: "skiff-functions" },
      onChange: () => {},
    });
  }

  /** A request to the management API with the token. */
  manage(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...init.headers };
    return fetch(`${this.manager}${path}`, { ...init, headers });
  }

  /** A request below /async, /gateway or /topic, with the token. */
  send(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { authorization: `Bearer ${this.token}`, ...init.headers };
    return fetch(`${this.events}${path}`, { ...init, headers });
  }

  /** `settings` is a query string. */
  async deploy(name: string, source: string | Uint8Array, settings = ""): Promise<Deployed> {
    const path = `/func?name=${name}&${settings}`;
    const response = await this.manage(path, { method: "POST", body: source as BodyInit });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  async remove(name: string): Promise<number> {
    return (await this.manage(`/func/${name}`, { method: "DELETE" })).status;
  }

  call(name: string, path = "", init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.router}/fn/${name}${path}`, init);
  }

  /** Waits until a function has no pod at all, nor one that was claimed for it. */
  async asleep(name: string): Promise<void> {
    const isOf = ({ metadata }: Pod) =>
      [LABELS.claimedFor, LABELS.function].some((label) => metadata.labels?.[label] === name);
    await eventually(`${name} sleeps`, () => !this.pods.some(isOf), 120_000);
  }

  /** Waits until as many pods are ready in the pool as it should have. */
  async poolIsFull(): Promise<void> {
    const path = ["-n", "skiff-functions", "-o", "jsonpath={.spec.replicas}"];
    const size = Number(await kubectl("get", "deployment/skiff-pool", ...path));
    const isFree = (pod: Pod) => pod.metadata.labels?.[LABELS.pool] === "free" && isReady(pod);
    // A pod that was claimed counts for the Deployment until it is adopted.
    await eventually("the pool is full", () => this.pods.filter(isFree).length === size, INSTALLED_WITHIN_MS);
  }

  /** Of the namespace of functions. From a watch: kubectl takes more of the processors than what is measured. */
  get pods(): Pod[] {
    return [...this.#pods.values()];
  }

  /** Waits until nothing of a removed function is left: its objects follow in the background. */
  nothingIsLeft(name: string): Promise<void> {
    const isGone = async () => (await this.leftovers(name)).length === 0;
    return eventually(`nothing of ${name} is left`, isGone, 60_000);
  }

  async close(): Promise<void> {
    await this.#pods.close();
    await this.#api.close();
  }

  /** Names of everything in the namespace of functions that has to do with `name`, over every kind that can be listed. */
  async leftovers(name: string): Promise<string[]> {
    const kinds = await kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name");
    const listed = kinds.split("\n").filter((kind) => !/^events|metrics\.k8s\.io$/.test(kind));
    const found = await kubectl(
      "get",
      listed.join(","),
      "-n",
      "skiff-functions",
      "-o",
      "name",
      "--ignore-not-found",
    );
    return found.split("\n").filter((each) => each.split("/")[1]?.startsWith(name));
  }
}
