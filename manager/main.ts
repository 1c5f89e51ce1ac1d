/** The program of the manager on Kubernetes: the management API, and the leader that reconciles Functions. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Access } from "../http/access/access.ts";
import { checkBaseUrl } from "../http/access/base-url.ts";
import { callbackHosts } from "../http/addresses/callback-hosts.ts";
import { createRequestServer } from "../http/programs/request-server.ts";
import { closeServer, listen } from "../http/server.ts";
import { parseTrustedProxies } from "../http/trusted-proxies.ts";
import { GUARD_FAMILIES, POOL_FAMILIES, PROCESS_FAMILIES, readProcessMetrics } from "../metrics/families.ts";
import { group, Metrics } from "../metrics/metrics.ts";
import { commandRules } from "../platform/images/command-rules.ts";
import { followKeys } from "../platform/keys/follow-keys.ts";
import { internalKey } from "../platform/keys/internal-key.ts";
import { KeyTable } from "../platform/keys/key-table.ts";
import { KubeApi } from "../platform/kubernetes/cluster/api.ts";
import { connectToCluster } from "../platform/kubernetes/cluster/client.ts";
import { loadOrCreateSecret } from "../platform/kubernetes/cluster/installation-secret.ts";
import { Leader } from "../platform/kubernetes/cluster/leader.ts";
import { KINDS } from "../platform/kubernetes/cluster/resources.ts";
import { Routers } from "../platform/kubernetes/cluster/routers.ts";
import { OnceKeeper } from "../platform/kubernetes/control/once-keeper.ts";
import { Reconciler } from "../platform/kubernetes/control/reconciler.ts";
import { SecretSweeper } from "../platform/kubernetes/control/secret-sweeper.ts";
import { Sleeper } from "../platform/kubernetes/control/sleeper.ts";
import { KubernetesPlatform } from "../platform/kubernetes/kubernetes-platform.ts";
import { LogCollector } from "../platform/kubernetes/logs/log-collector.ts";
import { CPU_REQUEST } from "../platform/kubernetes/objects/pod-parts.ts";
import { PoolKeeper } from "../platform/kubernetes/pool/pool-keeper.ts";
import { poolKeys } from "../platform/kubernetes/pool/pool-keys.ts";
import { limitsFromEnv } from "../platform/limits.ts";
import type { LogLine } from "../platform/platform.ts";
import { Problem } from "../platform/problems.ts";
import { printableLines } from "../process/printable.ts";
import { ServiceList } from "../process/service-list.ts";
import { untilStopSignal } from "../process/stop-signals.ts";
import { chooseBuilder } from "../runtimes/choose-builder.ts";
import { createBuilder } from "../runtimes/deno/build/builder.ts";
import { denoPath } from "../runtimes/deno/deno-binary.ts";
import { exactStart } from "../runtimes/start-order.ts";
import { LogBatches } from "../store/log-batches.ts";
import { bundledUrl } from "../store/postgres/bundled-url.ts";
import { LogSweeper } from "../store/postgres/log-sweeper.ts";
import { PostgresStore } from "../store/postgres/postgres-store.ts";
import { MIGRATIONS } from "../store/sql/schema.ts";
import { oidcFrom } from "./access/oidc.ts";
import { createManager } from "./manager.ts";
import { Collector } from "./usage/collector.ts";
import { logFailures } from "./usage/failure-line.ts";
import { Guards } from "./usage/guards.ts";
import { Sampler } from "./usage/sampler.ts";

const RETRY_MS = 2_000;
/** What isolates functions and programs on a cluster. */
const PODS = { files: "a pod for each instance", network: "the cluster's network policies" };

async function main(env: NodeJS.ProcessEnv): Promise<void> {
  const start = ServiceList.start((services) => startManager(services, env));
  const stopped = untilStopSignal({ env, start });
  const stop = await start;
  await stopped;
  await stop();
}

/** Resolves with a function that stops all services. */
async function startManager(services: ServiceList, env: NodeJS.ProcessEnv): Promise<() => Promise<void>> {
  const limits = limitsFromEnv(env);
  const print = (line: string) => console.log(printableLines(line));
  const namespace = env.SKIFF_NAMESPACE ?? "skiff";
  const pods = {
    namespace: env.SKIFF_FUNCTIONS_NAMESPACE ?? "skiff-functions",
    image: env.SKIFF_CLIENT_IMAGE ?? "skiff-client:0.1.0",
    programImage: env.SKIFF_PROGRAM_IMAGE || undefined,
    cpuRequest: env.SKIFF_CPU_REQUEST || CPU_REQUEST,
  };

  const api = new KubeApi(await connectToCluster());
  const secret = (name: string) => retry(() => loadOrCreateSecret({ api, namespace, name }), print);
  // Made first: pods of skiff-events start as soon as the Secrets after it exist.
  const url = env.SKIFF_STORE || (await bundledStore(env, namespace, secret));
  const access = await accessFor(env, { namespace, name: "skiff-token" }, secret);
  const token = await secret("skiff-internal");
  const poolSecret = await secret("skiff-pool");
  const poolSize = poolSizeFrom(env);

  const routers = new Routers({ api, namespace, token, labelSelector: "app=skiff-router" });
  services.add({ name: "routers", close: () => routers.close() });
  const identity = env.SKIFF_POD ?? hostname();
  const managers = { namespace, labelSelector: "app=skiff-manager" };
  const rules = commandRules(env, false);
  const platform = new KubernetesPlatform({
    ...pods,
    api,
    limits,
    print,
    poolSecret,
    allowedImages: rules.images,
    commandOwner: { name: identity, running: () => podNames(api, managers) },
    spread: (name, traffic) => routers.spread(name, traffic),
    forgotten: (name) => routers.forgotten(name),
  });
  // Drained while the server has its connections, so that clients of aborted deploys get an answer.
  services.add({ name: "platform", drain: () => platform.close() });
  const keyTable = new KeyTable();
  const keys = followKeys(platform.declarations, keyTable, print);
  // Of skiff-events, for commands that have waited.
  const internal = internalKey(token);
  keyTable.set(internal.id, internal.spec);
  services.add({ name: "keys", close: async () => keys.close() });
  const data = env.SKIFF_DATA ?? "/data";
  const posted = createBuilder({
    deno: denoPath(),
    directory: join(data, "build"),
    limits,
    importHosts: (env.SKIFF_IMPORT_HOSTS ?? "").split(",").filter((entry) => entry !== ""),
    print,
  });
  const builder = chooseBuilder({ posted });
  services.add({ name: "builder", drain: () => builder.close() });

  const store = url ? new PostgresStore({ url, limits, print }) : undefined;
  services.add({ name: "store", close: async () => store?.close() });
  const lines = store && new LogBatches({ store: store.logs, print });
  services.add({ name: "lines", close: async () => lines?.close() });
  const { functions } = platform.mirror;
  const exists = (name: string) => !functions.isSynced || functions.get(name) !== undefined;
  const podLogs =
    store &&
    new LogCollector({
      api,
      namespace: pods.namespace,
      managers,
      identity,
      sink: store.logs,
      exists,
      print,
    });
  services.add({ name: "logs", close: async () => podLogs?.close() });

  const metrics = new Metrics();
  const log = (name: string, line: LogLine) => lines?.push(name, line);
  const guards = new Guards({ platform, store, log, print });
  metrics.add(() => [
    group(POOL_FAMILIES, platform.pool ? [platform.pool.stats()] : []),
    group(GUARD_FAMILIES, [guards]),
    group(PROCESS_FAMILIES, [{ metrics: readProcessMetrics() }]),
  ]);
  const dashboardUrl = env.SKIFF_DASHBOARD_URL
    ? checkBaseUrl("SKIFF_DASHBOARD_URL", env.SKIFF_DASHBOARD_URL)
    : undefined;
  const manager = createManager({
    platform,
    builder,
    limits,
    access,
    keyTable,
    commandRules: rules,
    proxies: parseTrustedProxies(env.SKIFF_TRUST_PROXY),
    tokens: oidcFrom(env, print),
    store: store && lines && { ...store, logs: lines },
    print,
    gitHome: {
      folder: join(data, "git", "tools"),
      path: env.PATH,
      isShared: true,
      look: async () => ({ hasRepositories: store !== undefined, isUnfinished: store !== undefined }),
      open: async (git) => {
        if (store === undefined) throw noStoreOfRepositories();
        const { StoredHome } = await import("./git/homes/stored/stored-home.ts");
        const { repositories } = store;
        return new StoredHome({
          ...{ folder: join(data, "git", "copies"), git, repositories, limits },
          manager: {
            name: identity,
            isRunning: async (name) => (await podNames(api, managers)).includes(name),
          },
        });
      },
    },
    metrics: () => metrics.text(),
    ready: () => (services.state === "ready" ? undefined : `The manager is ${services.state}.`),
    callbackHosts: callbackHosts(env),
    system: {
      platform: "kubernetes",
      store: store && { kind: "postgresql", schema: MIGRATIONS.length },
      isolation: async () => PODS,
      programs: async () => PODS,
      pool: () => ({ size: platform.pool ? poolSize : 0, ready: platform.pool?.free ?? 0 }),
      oidcIssuer: env.SKIFF_OIDC_ISSUER || undefined,
    },
    ...(env.SKIFF_URL ? { publicUrl: env.SKIFF_URL } : {}),
    dashboardUrl: () => dashboardUrl,
  });
  metrics.add(() => manager.metrics());
  services.add({ name: "manager", drain: (drainMs) => manager.close({ drainMs }) });

  const lead = async (signal: AbortSignal) => {
    const shared = { api, platform, namespace: pods.namespace, limits, print };
    const reconciler = new Reconciler({
      ...shared,
      build: async (source, { settings, signal }) =>
        (await builder.build(source, { entry: settings.entry, start: exactStart(settings), signal }))
          .artifact,
      urlOf: (name) => `${(env.SKIFF_URL ?? "").replace(/\/+$/, "")}/fn/${name}`,
    });
    const sleeper = new Sleeper({
      ...shared,
      replicas: (name, version) => reconciler.replicas(name, version),
      wake: (name, version) => reconciler.wake(name, version),
      loads: (until) => routers.loads(until),
    });
    const onceKeeper = new OnceKeeper({
      ...shared,
      replicas: (name, version) => reconciler.replicas(name, version),
      pods: (name) => reconciler.pods(name),
      loads: (until) => routers.loads(until),
    });
    const keeper = new PoolKeeper({ ...shared, ...pods, size: poolSize, keys: poolKeys(poolSecret) });
    const sweeper = new SecretSweeper({ secrets: platform.secrets, print });
    guards.forget();
    const usage = new Collector({
      exchange: (orders, until) => routers.exchangeUsage(orders, until),
      ledger: store?.usage,
      onCounted: guards.count,
      ...(lines ? { onFailures: logFailures(lines, print) } : {}),
      print,
    });
    const sampler =
      store && new Sampler({ platform, ledger: store.usage, memory: () => platform.memoryById(), print });
    const logSweeper = store && new LogSweeper({ logs: store.logs, exists, print });
    await once(signal, "abort");
    await logSweeper?.close();
    await sampler?.close();
    await usage.close();
    await sweeper.close();
    await keeper.close();
    await onceKeeper.close();
    await sleeper.close();
    await reconciler.close();
  };
  const place = { kind: KINDS.leases, namespace, name: "skiff-manager" };
  const leader = new Leader({ api, place, identity, lead, print });
  services.add({ name: "leader", drain: () => leader.close() });

  const { server, lingering } = createRequestServer(manager.handler, limits);
  const address = { port: Number(env.SKIFF_PORT ?? 8080), host: env.SKIFF_HOST ?? "0.0.0.0" };
  const port = await listen(server, address, print);
  services.add({
    name: "server",
    // Stops listening only. Requests under way keep their connections.
    drain: async () => void server.close(),
    close: (withinMs) => closeServer(server, lingering, withinMs),
  });
  await builder.warm();
  void Promise.all([platform.synced, keys.loaded]).then(() => services.ready());
  print(`the manager listens on port ${port}`);
  // Pushes that another manager left unfinished when it was killed.
  void manager.start();
  return () => services.stop({ drainMs: limits.drainMs });
}

/** Returns the number of unassigned pods to keep ready; 0 disables the pool. */
function poolSizeFrom(env: NodeJS.ProcessEnv): number {
  const text = env.SKIFF_POOL || "2";
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new Error(`SKIFF_POOL=${text} is not a valid number of pods: use 0 to 999.`);
}

async function accessFor(
  env: NodeJS.ProcessEnv,
  { namespace, name }: { namespace: string; name: string },
  read: (name: string) => Promise<string>,
): Promise<Access> {
  if (env.SKIFF_ACCESS === "open") return { mode: "open" };
  const token = env.SKIFF_TOKEN || (await read(name));
  const command = `kubectl -n ${namespace} get secret ${name} -o go-template='{{.data.token | base64decode}}'`;
  const whereabouts = env.SKIFF_TOKEN
    ? `The token is the variable SKIFF_TOKEN of the manager in the namespace ${namespace}.`
    : `This prints the token: ${command}`;
  return { mode: "token", tokenHash: createHash("sha256").update(token).digest("hex"), whereabouts };
}

async function podNames(
  api: KubeApi,
  { namespace, labelSelector }: { namespace: string; labelSelector: string },
): Promise<string[]> {
  const place = { kind: KINDS.pods, namespace };
  const { items } = await api.list(place, labelSelector, { metadataOnly: true });
  return items.map(({ metadata }) => metadata.name);
}

/** Returns the URL of the PostgreSQL that the installation brings, if it brings one. */
async function bundledStore(
  { SKIFF_POSTGRES: service }: NodeJS.ProcessEnv,
  namespace: string,
  read: (name: string) => Promise<string>,
): Promise<string | undefined> {
  if (!service) return undefined;
  return bundledUrl({ service, namespace, password: await read("skiff-postgres") });
}

function noStoreOfRepositories(): Problem {
  const detail = "Git repositories are in the store, and there is none: set SKIFF_STORE (docs/store.md).";
  return new Problem("store_unavailable", detail, { retryAfterS: 60, setting: "SKIFF_STORE" });
}

/** Retries until it succeeds: the manager needs its secrets, and the API server may be unavailable. */
async function retry<T>(read: () => Promise<T>, print: (line: string) => void): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      print(`the manager cannot start yet: ${(error as Error).message}`);
    }
    await pause(RETRY_MS);
  }
}

main(process.env).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
