/** The router as a program of its own, on Kubernetes. Its only state is the snapshot of ready instances. */
import { closeServer, listen } from "../http/server.ts";
import { Metrics } from "../metrics/metrics.ts";
import { followKeys } from "../platform/keys/follow-keys.ts";
import { internalKey } from "../platform/keys/internal-key.ts";
import { KeyTable } from "../platform/keys/key-table.ts";
import { KubeApi } from "../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../platform/kubernetes/cluster/client.ts";
import { INTERNAL_PORT, serving } from "../platform/kubernetes/cluster/routers.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { ServiceList } from "../process/service-list.ts";
import { untilStopSignal } from "../process/stop-signals.ts";
import { createFrontAlone } from "./front.ts";
import { addRouterMetrics } from "./metrics/metrics.ts";
import { createInternalServer } from "./server/internal-server.ts";
import { UsageExchange } from "./usage/usage-exchange.ts";
import { parseWorkers } from "./workers/worker-count.ts";
import { Workers } from "./workers/workers.ts";

/** Time for the cluster to route new connections elsewhere, in milliseconds. */
const LEAVE_MS = 5_000;
/** Time for the manager to collect the last usage, in milliseconds. */
const LAST_USAGE_MS = 1_500;

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const start = ServiceList.start((services) => startRouter(services, env));
  const stopped = untilStopSignal({ env, start });
  const stop = await start;
  await stopped;
  await stop();
}

/** Resolves with a function that stops all services. */
async function startRouter(services: ServiceList, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(line);
  const token = env.SKIFF_INTERNAL_TOKEN ?? "";
  if (token.length < 16) {
    const what = "SKIFF_INTERNAL_TOKEN is missing or shorter than 16 characters";
    throw new Error(`${what}: set it to the token that the manager uses.`);
  }
  const workers = parseWorkers("SKIFF_WORKERS", env.SKIFF_WORKERS ?? "");
  const platform = new KubernetesPlatform({
    api: new KubeApi(await connectToCluster()),
    limits,
    image: "",
    namespace: env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions",
    print,
    ...(env.SKIFF_POOL_SECRET ? { poolSecret: env.SKIFF_POOL_SECRET } : {}),
  });
  services.add({ name: "platform", close: () => platform.close() });

  const keys = new KeyTable();
  const internalCaller = internalKey(token);
  keys.set(internalCaller.id, internalCaller.spec);
  const followed = followKeys(platform.declarations, keys, print);
  services.add({ name: "keys", close: async () => followed.close() });
  const options = { platform, limits, keys, print, env };
  const front = workers === 1 ? await createFrontAlone(options) : new Workers({ ...options, workers });
  const usage = new UsageExchange((orders) => front.exchangeUsage(orders));
  services.add({
    name: "server",
    leave: () => front.leave(),
    drain: async (drainMs) => {
      await front.drain({ drainMs });
      await usage.last(LAST_USAGE_MS);
    },
    close: (withinMs) => front.close({ withinMs }),
  });

  const metrics = new Metrics();
  addRouterMetrics(metrics, front.counted, { pool: () => platform.pool?.stats() });
  const internal = createInternalServer({
    token,
    ready: () => (services.state === "ready" ? undefined : `The router is ${services.state}.`),
    metrics: () => metrics.text(),
    load: () => platform.loads.read(),
    serving: (name) => serving(platform.endpoints(name), front.hasCaughtUp(name)),
    usage: (orders) => usage.exchange(orders),
  });
  // Tests use another port; the manager and the probes of kubernetes.yaml use the default.
  const internalPort = Number(env.SKIFF_INTERNAL_PORT ?? INTERNAL_PORT);
  print(`probes and metrics are on port ${await listen(internal, { port: internalPort }, print)}`);
  services.add({ name: "internal server", close: () => closeServer(internal) });

  // The port opens after the snapshot, without which every call would be 404.
  await Promise.all([platform.synced, followed.loaded]);
  const port = await front.listen({ port: Number(env.SKIFF_PORT ?? 8080) });
  services.ready();
  print(`the router listens on port ${port}`);
  return () => services.stop({ leaveMs: LEAVE_MS, drainMs: limits.drainMs });
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
