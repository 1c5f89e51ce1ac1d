/** The router as a program of its own, on Kubernetes. It keeps no state but the snapshot of what is ready. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeApi } from "../platform/kubernetes/api.ts";
import { connectToCluster } from "../platform/kubernetes/client.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { INTERNAL_PORT } from "../platform/kubernetes/routers.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { untilSignal } from "../platform/until-signal.ts";
import { createInternalServer } from "./internal-server.ts";
import { createMetrics } from "./metrics.ts";
import { limitConnections } from "./open-files.ts";
import { createRouter } from "./router.ts";
import { openSeeing } from "./seeing.ts";
import {
  clientErrorHandler,
  refuseConnect,
  refuseExpectation,
  routerServerOptions,
} from "./server-options.ts";

/** Time that the cluster takes to send calls elsewhere. */
const LEAVE_MS = 5_000;

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(line);
  const token = env.SKIFF_INTERNAL_TOKEN ?? "";
  if (token.length < 16) {
    throw new Error("SKIFF_INTERNAL_TOKEN is missing or too short: the manager asks the routers with it.");
  }
  const seeing = await openSeeing({ env, print });
  const platform = new KubernetesPlatform({
    api: new KubeApi(await connectToCluster()),
    limits,
    image: "",
    namespace: env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions",
    print,
    ...(env.SKIFF_POOL_SECRET ? { poolSecret: env.SKIFF_POOL_SECRET } : {}),
  });
  let state: "starting" | "ready" | "leaving" | "draining" = "starting";
  const router = createRouter({ platform, limits, print, seeing, draining: () => state === "draining" });
  const internal = createInternalServer({
    token,
    ready: () => (state === "ready" ? undefined : `The router is ${state}.`),
    metrics: createMetrics({
      stats: () => router.stats(),
      totals: () => ({ ...router.totals(), pool: platform.pool?.stats() }),
    }),
    load: () => platform.loads.read(),
    serving: (name) => {
      const endpoints = platform.endpoints(name);
      return endpoints === undefined || endpoints.instances.length === 0 ? undefined : endpoints.version;
    },
  });
  const server = createServer(
    routerServerOptions(limits, { optimizeEmptyRequests: true }),
    (request, response) => {
      if (state !== "ready") response.shouldKeepAlive = false;
      router.handle(request, response);
    },
  );
  server.on("checkContinue", (request, response) => router.handle(request, response, true));
  server.on("upgrade", (request, socket, head) => router.upgrade(request, socket, head));
  server.on("checkExpectation", refuseExpectation);
  server.on("connect", refuseConnect);
  server.on("clientError", clientErrorHandler(limits, router.countRefusal));
  limitConnections(server, print);

  // Another port is for tests: the manager and the probes of kubernetes.yaml know the usual one.
  await listen(internal, Number(env.SKIFF_INTERNAL_PORT ?? INTERNAL_PORT));
  print(`probes and metrics are on port ${(internal.address() as AddressInfo).port}`);
  // Calls before the snapshot is there would be 404: the port opens when it is.
  await platform.synced;
  const port = Number(env.SKIFF_PORT ?? 8080);
  await listen(server, port);
  state = "ready";
  print(`the router listens on port ${port}`);

  await untilSignal(["SIGINT", "SIGTERM"]);
  // Out of the Service and the Ingress first; who still comes is served, and told to come over a new connection.
  state = "leaving";
  await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
  state = "draining";
  const closed = new Promise((resolve) => server.close(resolve));
  await router.close({ drainMs: limits.drainMs });
  server.closeAllConnections();
  await closed;
  internal.close();
  internal.closeAllConnections();
  await seeing.close({ withinMs: limits.drainMs });
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
