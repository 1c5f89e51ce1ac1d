/** The program of asynchronous calls, topics and schedules on Kubernetes. Any number of replicas share one store. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { hostname } from "node:os";
import type { Access } from "../http/access/access.ts";
import { passOn } from "../http/programs/pass-on.ts";
import { answerProbe, answerText } from "../http/programs/probes.ts";
import { createRequestServer } from "../http/programs/request-server.ts";
import { closeServer, listen } from "../http/server.ts";
import { parseTrustedProxies, plainAddress } from "../http/trusted-proxies.ts";
import { PROCESS_FAMILIES, readProcessMetrics } from "../metrics/families.ts";
import { group, Metrics } from "../metrics/metrics.ts";
import { SCHEDULE_KIND, SUBSCRIPTION_KIND, TOPIC_KIND } from "../platform/events/kinds.ts";
import { commandRules } from "../platform/images/command-rules.ts";
import { followKeys } from "../platform/keys/follow-keys.ts";
import { internalKey } from "../platform/keys/internal-key.ts";
import { KeyTable } from "../platform/keys/key-table.ts";
import { KubeApi } from "../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../platform/kubernetes/cluster/client.ts";
import { Leader } from "../platform/kubernetes/cluster/leader.ts";
import { delay } from "../platform/kubernetes/cluster/mirror.ts";
import { KINDS } from "../platform/kubernetes/cluster/resources.ts";
import { INTERNAL_PORT } from "../platform/kubernetes/cluster/routers.ts";
import { StatusWriter } from "../platform/kubernetes/control/status-writer.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { printableLines } from "../process/printable.ts";
import { ServiceList } from "../process/service-list.ts";
import { untilStopSignal } from "../process/stop-signals.ts";
import { announcing, storeChanges } from "../store/changes.ts";
import { bundledUrl } from "../store/postgres/bundled-url.ts";
import { PostgresStore } from "../store/postgres/postgres-store.ts";
import { createEvents } from "./events.ts";
import { EventStates } from "./status/event-states.ts";
import { verdictOf } from "./status/verdicts.ts";

/** Time for the cluster to route new connections elsewhere, in milliseconds. */
const LEAVE_MS = 5_000;
const RETRY_MS = 2_000;
/** Kinds with a status. */
const KINDS_SHOWN = {
  [TOPIC_KIND]: "topics",
  [SUBSCRIPTION_KIND]: "subscriptions",
  [SCHEDULE_KIND]: "schedules",
};

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const stop = await ServiceList.start((services) => startEvents(services, env));
  await untilStopSignal({ env });
  await stop();
}

/** Resolves with a function that stops all services. */
async function startEvents(services: ServiceList, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(printableLines(line));
  const namespace = env.SKIFF_NAMESPACE ?? "skiff";
  const functions = env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions";
  const access = accessFrom(env, namespace);
  const token = env.SKIFF_INTERNAL_TOKEN ?? "";
  if (token.length < 16) {
    const what = "SKIFF_INTERNAL_TOKEN is missing or shorter than 16 characters";
    throw new Error(`${what}: set it to the token that manager and router use.`);
  }
  const url = storeUrl(env, namespace);
  const routerUrl = urlFrom("SKIFF_ROUTER", env.SKIFF_ROUTER || `http://skiff-router.${namespace}.svc`);
  const managerUrl = urlFrom("SKIFF_MANAGER", env.SKIFF_MANAGER || `http://skiff-manager.${namespace}.svc`);

  const api = new KubeApi(await connectToCluster());
  const platform = new KubernetesPlatform({ api, limits, image: "", namespace: functions, print });
  services.add({ name: "platform", close: () => platform.close() });
  const keys = new KeyTable();
  const followed = followKeys(platform.declarations, keys, print);
  services.add({ name: "keys", close: async () => followed.close() });

  const database = new PostgresStore({ url, limits, print });
  services.add({ name: "store", close: () => database.close() });
  const changes = storeChanges();
  const store = announcing(database, changes);
  const proxies = parseTrustedProxies(env.SKIFF_TRUST_PROXY);
  const events = createEvents({
    ...{
      store,
      usage: database.usage,
      changes,
      isShared: true,
      platform,
      keys,
      access,
      limits,
      proxies,
      env,
      print,
    },
    commandRules: commandRules(env, false),
    ...{
      router: () => routerUrl.origin,
      manager: () => managerUrl.origin,
      callerKey: internalKey(token).text,
    },
    ...{ now: Date.now, random: Math.random },
  });

  const metrics = new Metrics();
  metrics.add(() => events.metrics());
  metrics.add(() => [group(PROCESS_FAMILIES, [{ metrics: readProcessMetrics() }])]);
  const probes = {
    ready: () => (services.state === "ready" ? undefined : `The events are ${services.state}.`),
    metrics: () => metrics.text(),
  };
  const internal = createServer({ requestTimeout: 5_000 }, (request, response) => {
    if (!answerProbe(probes, request, response)) answerText(response, 404, "not found\n");
  });
  const internalPort = Number(env.SKIFF_INTERNAL_PORT ?? INTERNAL_PORT);
  print(`probes and metrics are on port ${await listen(internal, { port: internalPort }, print)}`);
  services.add({ name: "internal server", close: () => closeServer(internal) });

  const toManager = passOn({
    to: { host: managerUrl.hostname, port: managerUrl.port || 80, timeout: limits.streamIdleMs },
    field: (request) => ["x-forwarded-for", forwardedFor(request)],
  });
  const { server, lingering } = createRequestServer((request, response) => {
    if (services.state === "leaving") response.setHeader("connection", "close");
    if (events.takes(request.method!, request.url!)) events.handler(request, response);
    else toManager(request, response);
  }, limits);
  services.add({
    name: "server",
    close: (withinMs) => closeServer(server, lingering, withinMs),
  });
  services.add({ name: "events", drain: (drainMs) => events.drain({ drainMs }) });

  const states = new EventStates({ store, platform, now: Date.now });
  const lead = async (signal: AbortSignal) => {
    const writer = new StatusWriter({
      ...{ api, namespace: functions, kinds: KINDS_SHOWN, print },
      judge: async (declared) => {
        const schedules = declared.filter(({ kind }) => kind === SCHEDULE_KIND);
        const state = await states.read(new Map(schedules.map(({ name, revision }) => [name, revision])));
        return declared.map((each) => verdictOf(each, state));
      },
    });
    await once(signal, "abort");
    await writer.close();
  };
  const place = { kind: KINDS.leases, namespace, name: "skiff-events" };
  const leader = new Leader({ api, place, identity: env.SKIFF_POD ?? hostname(), lead, print });
  services.add({ name: "leader", drain: () => leader.close() });

  // The port opens after the snapshot, without which every call would be 404.
  await Promise.all([platform.synced, followed.loaded]);
  const port = await listen(server, { port: Number(env.SKIFF_PORT ?? 8080) }, print);
  services.ready();
  print(`the events listen on port ${port}`);
  const starting = new AbortController();
  const started = startEventually(() => events.start(), starting.signal, print);
  return async () => {
    starting.abort();
    await started;
    await services.stop({ leaveMs: LEAVE_MS, drainMs: limits.drainMs });
  };
}

/** Retries until it succeeds: the store may be unavailable. */
async function startEventually(
  start: () => Promise<void>,
  signal: AbortSignal,
  print: (line: string) => void,
) {
  while (!signal.aborted) {
    try {
      return await start();
    } catch (error) {
      print(`asynchronous calls and events do not work yet: ${(error as Error).message}`);
    }
    await delay(RETRY_MS, signal);
  }
}

function accessFrom({ SKIFF_ACCESS, SKIFF_TOKEN }: NodeJS.ProcessEnv, namespace: string): Access {
  if (SKIFF_ACCESS === "open") return { mode: "open" };
  if (!SKIFF_TOKEN) throw new Error("SKIFF_TOKEN is missing: set it to the token of the management API.");
  const command = `kubectl -n ${namespace} get secret skiff-token -o go-template='{{.data.token | base64decode}}'`;
  const whereabouts = `This prints the token of the management API, unless the managers have a variable SKIFF_TOKEN: ${command}`;
  return { mode: "token", tokenHash: createHash("sha256").update(SKIFF_TOKEN).digest("hex"), whereabouts };
}

function storeUrl(env: NodeJS.ProcessEnv, namespace: string): string {
  if (env.SKIFF_STORE) return env.SKIFF_STORE;
  const { SKIFF_POSTGRES: service, SKIFF_POSTGRES_PASSWORD: password } = env;
  if (service && password) return bundledUrl({ service, namespace, password });
  const what = "SKIFF_STORE is missing, and SKIFF_POSTGRES or SKIFF_POSTGRES_PASSWORD as well";
  throw new Error(`${what}: name the database of the managers, which events need.`);
}

function urlFrom(variable: string, text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === "http:" && url.pathname === "/") return url;
  throw new Error(`${variable}=${text} is not a URL such as http://skiff-router.skiff.svc: correct it.`);
}

/** The manager finds the client through the addresses of proxies that it trusts. */
function forwardedFor({ headers, socket }: IncomingMessage): string {
  const before = headers["x-forwarded-for"];
  return [before ?? [], plainAddress(socket.remoteAddress ?? "") ?? "unknown"].flat().join(", ");
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
