/** The program of the dashboard on Kubernetes. It has no right on the cluster: it knows the public API alone. */
import { createServer } from "node:http";
import { urlFrom } from "../events/program-settings.ts";
import { checkBaseUrl } from "../http/access/base-url.ts";
import { answerProbe, answerText } from "../http/programs/probes.ts";
import { closeServer, listen } from "../http/server.ts";
import { parseTrustedProxies } from "../http/trusted-proxies.ts";
import { PROCESS_FAMILIES, readProcessMetrics } from "../metrics/families.ts";
import { group, Metrics } from "../metrics/metrics.ts";
import { INTERNAL_PORT } from "../platform/kubernetes/cluster/routers.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { printableLines } from "../process/printable.ts";
import { ServiceList } from "../process/service-list.ts";
import { untilStopSignal } from "../process/stop-signals.ts";
import { readVersion } from "../process/version.ts";
import { openAssets } from "./build/assets.ts";
import { createDashboard } from "./server/dashboard.ts";
import type { Targets } from "./server/options.ts";
import { oidcSettings } from "./server/session/oidc-settings.ts";

/** Time for the cluster to route new connections elsewhere, in milliseconds. */
const LEAVE_MS = 5_000;

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const start = ServiceList.start((services) => startDashboard(services, env));
  const stopped = untilStopSignal({ env, start });
  const stop = await start;
  await stopped;
  await stop();
}

/** Resolves with a function that stops all services. */
async function startDashboard(services: ServiceList, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(printableLines(line));
  const targets = targetsFrom(env);
  const { SKIFF_URL: functionsUrl, SKIFF_DASHBOARD_URL: publicUrl } = env;

  const metrics = new Metrics();
  metrics.add(() => [group(PROCESS_FAMILIES, [{ metrics: readProcessMetrics() }])]);
  const probes = {
    ready: () => (services.state === "ready" ? undefined : `The dashboard is ${services.state}.`),
    metrics: () => metrics.text(),
  };
  const internal = createServer({ requestTimeout: 5_000 }, (request, response) => {
    if (!answerProbe(probes, request, response)) answerText(response, 404, "not found\n");
  });
  const internalPort = Number(env.SKIFF_INTERNAL_PORT ?? INTERNAL_PORT);
  print(`probes and metrics are on port ${await listen(internal, { port: internalPort }, print)}`);
  services.add({ name: "internal server", close: () => closeServer(internal) });

  const dashboard = createDashboard({
    ...{ limits, print, targets: () => targets, version: readVersion(), assets: openAssets },
    publicUrl: publicUrl ? checkBaseUrl("SKIFF_DASHBOARD_URL", publicUrl) : undefined,
    functionsUrl: functionsUrl ? checkBaseUrl("SKIFF_URL", functionsUrl) : undefined,
    isLoopback: false,
    hasToken: env.SKIFF_ACCESS !== "open",
    takesIssued: Boolean(env.SKIFF_OIDC_ISSUER),
    namesClient: true,
    proxies: parseTrustedProxies(env.SKIFF_TRUST_PROXY),
    oidc: oidcSettings(env),
  });
  services.add({ name: "dashboard", close: (withinMs) => dashboard.close({ withinMs }) });
  const port = await dashboard.listen({ port: Number(env.SKIFF_PORT ?? 8080) });
  services.ready();
  print(`the dashboard listens on port ${port}`);
  return () => services.stop({ leaveMs: LEAVE_MS, drainMs: limits.drainMs });
}

/** @throws Error naming the variable that has no URL of an origin */
function targetsFrom(env: NodeJS.ProcessEnv): Targets {
  const namespace = env.SKIFF_NAMESPACE ?? "skiff";
  const targetOf = (variable: string, service: string) =>
    urlFrom(variable, env[variable] || `http://${service}.${namespace}.svc`).origin;
  return {
    manager: targetOf("SKIFF_MANAGER", "skiff-manager"),
    events: targetOf("SKIFF_EVENTS", "skiff-events"),
    router: targetOf("SKIFF_ROUTER", "skiff-router"),
  };
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
