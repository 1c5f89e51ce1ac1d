/** The router as a program of its own, on Kubernetes. It keeps no state but the snapshot of what is ready. */
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeApi } from "../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../platform/kubernetes/cluster/client.ts";
import { INTERNAL_PORT, serving } from "../platform/kubernetes/cluster/routers.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { untilSignal } from "../process/until-signal.ts";
import { createFrontAlone } from "./alone.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { createInternalServer } from "./server/internal-server.ts";
import { parseWorkers } from "./workers/worker-count.ts";
import { Workers } from "./workers/workers.ts";

/** Time that the cluster takes to send calls elsewhere. */
const LEAVE_MS = 5_000;

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(line);
  const token = env.SKIFF_INTERNAL_TOKEN ?? "";
  if (token.length < 16) {
    throw new Error("SKIFF_INTERNAL_TOKEN is missing or too short: the manager asks the routers with it.");
  }
  const workers = parseWorkers("SKIFF_WORKERS", env.SKIFF_WORKERS ?? "") ?? 1;
  const platform = new KubernetesPlatform({
    api: new KubeApi(await connectToCluster()),
    limits,
    image: "",
    namespace: env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions",
    print,
    ...(env.SKIFF_POOL_SECRET ? { poolSecret: env.SKIFF_POOL_SECRET } : {}),
  });
  let state: "starting" | "ready" | "leaving" | "draining" = "starting";
  const options = { platform, limits, print, env };
  const front = workers === 1 ? await createFrontAlone(options) : new Workers({ ...options, workers });
  const internal = createInternalServer({
    token,
    ready: () => (state === "ready" ? undefined : `The router is ${state}.`),
    metrics: createMetrics({
      ...front.counted,
      totals: async () => ({ ...(await front.counted.totals()), pool: platform.pool?.stats() }),
    }),
    load: () => platform.loads.read(),
    serving: (name) => serving(front.hasCaughtUp(name) ? platform.endpoints(name) : undefined),
  });
  // Another port is for tests: the manager and the probes of kubernetes.yaml know the usual one.
  await listen(internal, Number(env.SKIFF_INTERNAL_PORT ?? INTERNAL_PORT));
  print(`probes and metrics are on port ${(internal.address() as AddressInfo).port}`);
  // Calls before the snapshot is there would be 404: the port opens when it is.
  await platform.synced;
  const port = await front.listen({ port: Number(env.SKIFF_PORT ?? 8080) });
  state = "ready";
  print(`the router listens on port ${port}`);

  await untilSignal(["SIGINT", "SIGTERM"]);
  // Out of the Service and the Ingress first; who still comes is served, and told to come over a new connection.
  state = "leaving";
  front.leave();
  await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
  state = "draining";
  await front.drain({ drainMs: limits.drainMs });
  await front.close({ withinMs: limits.drainMs });
  internal.close();
  internal.closeAllConnections();
  await platform.close();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, resolve);
  });
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
