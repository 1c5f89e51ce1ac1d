import { gzipSync } from "node:zlib";
import type { ConfigMap, Deployment } from "../../../platform/kubernetes/cluster/resources.ts";
import { Reconciler } from "../../../platform/kubernetes/control/reconciler.ts";
import { Sleeper } from "../../../platform/kubernetes/control/sleeper.ts";
import type { KubernetesPlatform } from "../../../platform/kubernetes/kubernetes-platform.ts";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import type { Platform } from "../../../platform/platform.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { instancesOf, servingOf } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FakeCluster, QUICK } from "../../support/platform/fake-cluster.ts";
import { FakeKubelet } from "../../support/platform/fake-kubelet.ts";
import { conformance } from "../conformance/conformance.ts";

/** A platform on a fake cluster, with what the leader runs. */
class Opened {
  readonly cluster: FakeCluster;
  readonly platform: KubernetesPlatform;
  readonly #kubelet: FakeKubelet;
  readonly #reconciler: Reconciler;
  readonly #sleeper: Sleeper;
  #closed: Promise<void> | undefined;

  static async open(limits: Partial<Limits> = {}): Promise<Opened> {
    const kubelet = new FakeKubelet();
    const cluster = await FakeCluster.start(kubelet.startPod);
    cluster.server.onLog = (...log) => void kubelet.log(...log);
    return await new Opened(cluster, kubelet, { ...limitsFromEnv({}), ...limits }).#synced();
  }

  private constructor(cluster: FakeCluster, kubelet: FakeKubelet, limits: Limits) {
    this.cluster = cluster;
    this.#kubelet = kubelet;
    this.platform = cluster.open({ limits });
    const { platform } = this;
    const namespace = "skiff-functions";
    const print = (line: string) => void cluster.lines.push(line);
    const shared = { api: cluster.api, platform, namespace, limits, print };
    const build = async ({ bytes }: { bytes: Uint8Array }) => ({ kind: "module" as const, code: bytes });
    const urlOf = (name: string) => `/fn/${name}`;
    this.#reconciler = new Reconciler({ ...shared, build, urlOf, times: QUICK });
    this.#sleeper = new Sleeper({
      ...shared,
      replicas: (name, version) => this.#reconciler.replicas(name, version),
      wake: (name, version) => this.#reconciler.wake(name, version),
      loads: async () => [platform.loads.read()],
      everyMs: 20,
    });
  }

  /** One more on the cluster of this one, which a cluster goes on running; the suite wants to find it asleep. */
  async reopen(): Promise<Opened> {
    await this.#leave();
    const { server } = this.cluster;
    for (const deployment of server.list<Deployment>("deployments")) {
      server.put("deployments", { ...deployment, spec: { ...deployment.spec, replicas: 0 } });
    }
    return await new Opened(this.cluster, this.#kubelet, limitsFromEnv({})).#synced();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#leave();
    await this.cluster.close();
    await this.#kubelet.close();
  }

  async #synced(): Promise<this> {
    await this.platform.synced;
    return this;
  }

  async #leave(): Promise<void> {
    await this.#sleeper.close();
    await this.#reconciler.close();
    await this.platform.close();
  }
}

const opened = new Map<Platform, Opened>();

function track(one: Opened): Platform {
  opened.set(one.platform, one);
  return one.platform;
}

after(async () => {
  for (const one of opened.values()) await one.close();
});

const printing = (text: string) => `
  export default (request) => {
    const path = new URL(request.url).pathname;
    if (path !== "/") console.log(path.slice(1));
    return ${JSON.stringify(text)};
  };`;

conformance("the Kubernetes platform on a fake cluster", {
  abilities: { scalesOut: false, scalesToZero: true, runsCode: true, durable: true },
  open: async (limits) => track(await Opened.open(limits)),
  dispose: (platform) => opened.get(platform)!.close(),
  reopen: async (platform) => track(await opened.get(platform)!.reopen()),
  draft: (name, text, settings) => draftOf(name, printing(text), settings),
  failing: (name) => draftOf(name, `console.log("last words"); throw new Error("no");`),
  breakStarts: async (platform, name, version = servingOf(platform, name)!.version) => {
    const { server } = opened.get(platform)!.cluster;
    const wanted = {
      "skiff.dev/function": name,
      "skiff.dev/version": String(version),
      "skiff.dev/part": "bundle",
    };
    for (const part of server.list<ConfigMap>("configmaps")) {
      if (!Object.entries(wanted).every(([label, value]) => part.metadata.labels?.[label] === value))
        continue;
      const binaryData = { part: gzipSync("throw 1;").toString("base64") };
      server.put("configmaps", { ...part, binaryData });
    }
  },
  toZero: (platform, name, version) =>
    eventually(`${name} has no instance`, () => instancesOf(platform, name, version).length === 0),
  print: async (platform, name, text) => {
    await call(instancesOf(platform, name)[0]!.address, { path: `/${text}` });
  },
  answer: async (platform, name, version) =>
    (await call(instancesOf(platform, name, version)[0]!.address)).text,
});
