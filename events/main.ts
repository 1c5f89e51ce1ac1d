/** The program of asynchronous calls, topics, schedules and flows on Kubernetes. Any number of replicas share one store. */
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { hostname } from "node:os";
import { createFlows } from "../flows/flows.ts";
import { readFlow } from "../flows/read-flow.ts";
import type { FlowsOptions } from "../flows/services.ts";
import { FlowStates } from "../flows/status/flow-states.ts";
import { flowVerdict } from "../flows/status/flow-verdict.ts";
import { passOn } from "../http/programs/pass-on.ts";
import { answerProbe, answerText } from "../http/programs/probes.ts";
import { createRequestServer } from "../http/programs/request-server.ts";
import { closeServer, listen } from "../http/server.ts";
import { parseTrustedProxies, plainAddress } from "../http/trusted-proxies.ts";
import { PROCESS_FAMILIES, readProcessMetrics } from "../metrics/families.ts";
import { group, Metrics } from "../metrics/metrics.ts";
import type { Declared } from "../platform/declarations.ts";
import { SCHEDULE_KIND, SUBSCRIPTION_KIND, TOPIC_KIND } from "../platform/events/kinds.ts";
import { FLOW_KIND } from "../platform/flows/kinds.ts";
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
import { type Judge, StatusWriter } from "../platform/kubernetes/control/status-writer.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import { printableLines } from "../process/printable.ts";
import { ServiceList } from "../process/service-list.ts";
import { untilStopSignal } from "../process/stop-signals.ts";
import { announcing, storeChanges } from "../store/changes.ts";
import { bundledUrl } from "../store/postgres/bundled-url.ts";
import { PostgresStore } from "../store/postgres/postgres-store.ts";
import { createEvents } from "./events.ts";
import { accessFrom, urlFrom } from "./program-settings.ts";
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
  [FLOW_KIND]: "flows",
};

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const start = ServiceList.start((services) => startEvents(services, env));
  const stopped = untilStopSignal({ env, start });
  const stop = await start;
  await stopped;
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
  const shared = {
    ...{ store, usage: database.usage, changes, isShared: true, platform, keys, access, limits, proxies },
    ...{ env, print, now: Date.now, random: Math.random },
    router: () => routerUrl.origin,
    manager: () => managerUrl.origin,
    callerKey: internalKey(token).text,
  };
  let port: number | undefined;
  const events = createEvents({
    ...shared,
    commandRules: commandRules(env, false),
    flows: () => `http://127.0.0.1:${port}`,
  });
  const identity = env.SKIFF_POD ?? hostname();
  const flows = createFlows({ ...shared, identity });

  const metrics = new Metrics();
  metrics.add(() => events.metrics());
  metrics.add(() => flows.metrics());
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
    const part = [flows, events].find((each) => each.takes(request.method!, request.url!));
    (part?.handler ?? toManager)(request, response);
  }, limits);
  services.add({
    name: "server",
    close: (withinMs) => closeServer(server, lingering, withinMs),
  });
  // Events begin runs.
  services.add({ name: "flows", drain: (drainMs) => flows.drain({ drainMs }) });
  services.add({ name: "events", drain: (drainMs) => events.drain({ drainMs }) });

  const judge = judgeOf({ store, platform, limits });
  const lead = async (signal: AbortSignal) => {
    const writer = new StatusWriter({ api, namespace: functions, kinds: KINDS_SHOWN, print, judge });
    await once(signal, "abort");
    await writer.close();
  };
  const place = { kind: KINDS.leases, namespace, name: "skiff-events" };
  const leader = new Leader({ api, place, identity, lead, print });
  services.add({ name: "leader", drain: () => leader.close() });

  // The port opens after the snapshot, without which every call would be 404.
  await Promise.all([platform.synced, followed.loaded]);
  port = await listen(server, { port: Number(env.SKIFF_PORT ?? 8080) }, print);
  services.ready();
  print(`the events listen on port ${port}`);
  const starting = new AbortController();
  const started = startEventually([events, flows], starting.signal, print);
  return async () => {
    starting.abort();
    await started;
    await services.stop({ leaveMs: LEAVE_MS, drainMs: limits.drainMs });
  };
}

/** Judges the declarations of all kinds that have a status. */
function judgeOf({ store, platform, limits }: Pick<FlowsOptions, "store" | "platform" | "limits">): Judge {
  const events = new EventStates({ store, platform, now: Date.now });
  const { runs } = store;
  const read = (declared: Declared) => readFlow(declared, { versions: runs.versions, limits, now: Date.now });
  const flows = new FlowStates({ runs, platform, read });
  return async (declared) => {
    const schedules = declared.filter(({ kind }) => kind === SCHEDULE_KIND);
    const ofFlows = declared.filter(({ kind }) => kind === FLOW_KIND);
    const [state, flowStates] = await Promise.all([
      events.read(new Map(schedules.map(({ name, revision }) => [name, revision]))),
      flows.read(ofFlows),
    ]);
    const verdicts = new Map(ofFlows.map((each, index) => [each, flowVerdict(flowStates[index]!)]));
    const names = new Set(ofFlows.map(({ name }) => name));
    const hasFlow = (name: string) => names.has(name);
    return declared.map((each) => verdicts.get(each) ?? verdictOf(each, { ...state, hasFlow }));
  };
}

/** Retries until it succeeds: the store may be unavailable. */
async function startEventually(
  parts: readonly { start(): Promise<void> }[],
  signal: AbortSignal,
  print: (line: string) => void,
) {
  while (!signal.aborted) {
    try {
      await Promise.all(parts.map((part) => part.start()));
      return;
    } catch (error) {
      print(`asynchronous calls, events and flows do not work yet: ${(error as Error).message}`);
    }
    await delay(RETRY_MS, signal);
  }
}

function storeUrl(env: NodeJS.ProcessEnv, namespace: string): string {
  if (env.SKIFF_STORE) return env.SKIFF_STORE;
  const { SKIFF_POSTGRES: service, SKIFF_POSTGRES_PASSWORD: password } = env;
  if (service && password) return bundledUrl({ service, namespace, password });
  const what = "SKIFF_STORE is missing, and SKIFF_POSTGRES or SKIFF_POSTGRES_PASSWORD as well";
  throw new Error(`${what}: name the database of the managers, which events need.`);
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
