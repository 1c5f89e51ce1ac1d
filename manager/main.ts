/** The manager as a program of its own, on Kubernetes: the management API, and the leader that looks after Functions. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { Counter, collectDefaultMetrics, Registry } from "prom-client";
import { LingeringCloses } from "../http/lingering-close.ts";
import { RequestOrder } from "../http/request-order.ts";
import { KubeApi } from "../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../platform/kubernetes/cluster/client.ts";
import { loadOrCreateSecret } from "../platform/kubernetes/cluster/installation-secret.ts";
import { Leader } from "../platform/kubernetes/cluster/leader.ts";
import { KINDS } from "../platform/kubernetes/cluster/resources.ts";
import { Routers } from "../platform/kubernetes/cluster/routers.ts";
import { Reconciler } from "../platform/kubernetes/control/reconciler.ts";
import { Sleeper } from "../platform/kubernetes/control/sleeper.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { CPU_REQUEST } from "../platform/kubernetes/objects/pod-template.ts";
import { PoolKeeper } from "../platform/kubernetes/pool/pool-keeper.ts";
import { poolKeys } from "../platform/kubernetes/pool/pool-keys.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { printableLines } from "../process/printable.ts";
import { untilSignal } from "../process/until-signal.ts";
import { createBuilder } from "../runtimes/deno/build/builder.ts";
import { denoPath } from "../runtimes/deno/deno-binary.ts";
import type { Access } from "./access/access.ts";
import { createManager } from "./manager.ts";

const HEADERS_MS = 15_000;
const KEEP_ALIVE_MS = 75_000;
const AGAIN_MS = 2_000;
const LAST_RESPONSES_MS = 1_000;

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(printableLines(line));
  const namespace = env.SKIFF_NAMESPACE ?? "skiff";
  const functions = env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions";
  const image = env.SKIFF_CLIENT_IMAGE ?? "skiff-client:0.1.0";
  const cpuRequest = env.SKIFF_CPU_REQUEST || CPU_REQUEST;
  const identity = env.SKIFF_POD ?? hostname();

  const api = new KubeApi(await connectToCluster());
  const secret = (name: string) => untilThere(() => loadOrCreateSecret({ api, namespace, name }), print);
  const access = await accessFor(env, () => secret("skiff-token"));
  const token = await secret("skiff-internal");
  const poolSecret = await secret("skiff-pool");
  const poolSize = poolSizeFrom(env);
  const routers = new Routers({ api, namespace, token, labelSelector: "app=skiff-router" });
  const platform = new KubernetesPlatform({
    api,
    limits,
    image,
    namespace: functions,
    print,
    cpuRequest,
    poolSecret,
    spread: (name, traffic) => routers.spread(name, traffic),
  });
  const builder = createBuilder({
    deno: denoPath(),
    directory: `${env.SKIFF_DATA ?? "/data"}/build`,
    limits,
    importHosts: (env.SKIFF_IMPORT_HOSTS ?? "").split(",").filter((entry) => entry !== ""),
    print,
  });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerPoolMetric(registry, () => platform.pool?.stats().outcomes ?? {});
  let state: "starting" | "ready" | "draining" = "starting";
  const manager = createManager({
    platform,
    builder,
    limits,
    access,
    print,
    metrics: () => registry.metrics(),
    ready: () => (state === "ready" ? undefined : `The manager is ${state}.`),
    ...(env.SKIFF_URL ? { publicUrl: env.SKIFF_URL } : {}),
  });
  const lead = async (signal: AbortSignal) => {
    const shared = { api, platform, namespace: functions, limits, print };
    const reconciler = new Reconciler({
      ...shared,
      build: (source, until) => builder.build(source, until),
      urlOf: (name) => `${(env.SKIFF_URL ?? "").replace(/\/+$/, "")}/fn/${name}`,
    });
    const sleeper = new Sleeper({
      ...shared,
      replicas: (name, version) => reconciler.replicas(name, version),
      wake: (name, version) => reconciler.wake(name, version),
      loads: (until) => routers.loads(until),
    });
    const keeper = new PoolKeeper({
      ...shared,
      image,
      cpuRequest,
      size: poolSize,
      keys: poolKeys(poolSecret),
    });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await keeper.close();
    await sleeper.close();
    await reconciler.close();
  };
  const place = { kind: KINDS.leases, namespace, name: "skiff-manager" };
  const leader = new Leader({ api, place, identity, lead, print });

  const order = new RequestOrder();
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: HEADERS_MS,
      requestTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS,
      requireHostHeader: false,
    },
    (request, response) => order.run(request, response, () => manager.handler(request, response)),
  );
  const lingering = new LingeringCloses();
  server.on("connection", (socket: Socket) => lingering.watch(socket, () => order.isDone(socket)));
  const port = Number(env.SKIFF_PORT ?? 8080);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, env.SKIFF_HOST ?? "0.0.0.0", resolve);
  });
  await builder.warm();
  void platform.synced.then(() => {
    if (state === "starting") state = "ready";
  });
  print(`the manager listens on port ${port}`);

  await untilSignal(["SIGINT", "SIGTERM"]);
  state = "draining";
  const closed = new Promise((resolve) => server.close(resolve));
  await leader.close();
  await manager.close({ drainMs: limits.drainMs });
  await builder.close();
  await platform.close();
  await routers.close();
  await lingering.settled(LAST_RESPONSES_MS);
  server.closeAllConnections();
  await closed;
}

/** The same family as a router's, for what this manager asked for. */
function registerPoolMetric(registry: Registry, outcomes: () => Readonly<Record<string, number>>): void {
  const counter = new Counter({
    name: "skiff_pool_total",
    help: "Times that the pool was asked for a ready instance, by how that ended.",
    labelNames: ["outcome"],
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const [outcome, count] of Object.entries(outcomes())) counter.inc({ outcome }, count);
    },
  });
}

/** Pods that are kept ready for functions that wake or are deployed; 0 for none. */
function poolSizeFrom(env: NodeJS.ProcessEnv): number {
  const text = env.SKIFF_POOL || "2";
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new Error(`SKIFF_POOL=${text} cannot be read: give the number of pods to keep ready, 0 to 999.`);
}

async function accessFor(env: NodeJS.ProcessEnv, token: () => Promise<string>): Promise<Access> {
  if (env.SKIFF_ACCESS === "open") return { mode: "open" };
  const secret = env.SKIFF_TOKEN || (await token());
  return { mode: "token", tokenHash: createHash("sha256").update(secret).digest("hex") };
}

/** At the start the API server may be away: without the tokens there is nothing to do but to ask again. */
async function untilThere<T>(read: () => Promise<T>, print: (line: string) => void): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      print(`the manager cannot start yet: ${(error as Error).message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
