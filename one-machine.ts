/** The services of one machine: manager, routers and local platform on one port. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ProgramPart } from "./calling/program-part.ts";
import { type OpenedDashboard, openDashboard } from "./dashboard/server/open-dashboard.ts";
import { oidcSettings } from "./dashboard/server/session/oidc-settings.ts";
import { createEvents } from "./events/events.ts";
import { createFlows } from "./flows/flows.ts";
import { checkBaseUrl, LOOPBACK, urlOf } from "./http/access/base-url.ts";
import { isLoopbackHost } from "./http/access/host.ts";
import { callbackHosts } from "./http/addresses/callback-hosts.ts";
import { parseTrustedProxies } from "./http/trusted-proxies.ts";
import { oidcFrom } from "./manager/access/oidc.ts";
import { accessFor } from "./manager/access/token.ts";
import { folderGitHome } from "./manager/git/homes/folder-git-home.ts";
import { createManager, type Manager } from "./manager/manager.ts";
import { Collector } from "./manager/usage/collector.ts";
import { logFailures } from "./manager/usage/failure-line.ts";
import { Guards } from "./manager/usage/guards.ts";
import { Sampler } from "./manager/usage/sampler.ts";
import { Metrics } from "./metrics/metrics.ts";
import { commandRules } from "./platform/images/command-rules.ts";
import { followKeys } from "./platform/keys/follow-keys.ts";
import { internalKey } from "./platform/keys/internal-key.ts";
import { KeyTable } from "./platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "./platform/limits.ts";
import { engineVariables } from "./platform/local/engine/find-engine.ts";
import { LocalPlatform } from "./platform/local/local-platform.ts";
import { keySource } from "./platform/local/secrets/secret-key.ts";
import { hasWalledNetwork, isolationMode } from "./platform/local/wall/isolation.ts";
import { localWalls, warm } from "./platform/local/warm.ts";
import type { RouterOrders } from "./platform/usage/exchange.ts";
import { installationId } from "./process/installation-id.ts";
import { printable } from "./process/printable.ts";
import { ServiceList } from "./process/service-list.ts";
import { readVersion } from "./process/version.ts";
import { createFrontAlone, type Front } from "./router/front.ts";
import { addRouterMetrics } from "./router/metrics/metrics.ts";
import type { RequestHandler } from "./router/server/node-calls.ts";
import type { WorkersOptions } from "./router/workers/workers.ts";
import { chooseBuilder } from "./runtimes/choose-builder.ts";
import { createBuilder } from "./runtimes/deno/build/builder.ts";
import { cacheBundles } from "./runtimes/deno/build/bundle-cache.ts";
import { denoPath } from "./runtimes/deno/deno-binary.ts";
import { isInstalledHere } from "./runtimes/program/build/installed.ts";
import { announcing, storeChanges } from "./store/changes.ts";
import { LogBatches } from "./store/log-batches.ts";
import type { PostgresStore } from "./store/postgres/postgres-store.ts";
import { SegmentLogStore } from "./store/segments/segment-log-store.ts";
import { MIGRATIONS } from "./store/sql/schema.ts";
import { SqliteStore } from "./store/sqlite/sqlite-store.ts";
import type { LogStore } from "./store/store.ts";

export interface SkiffOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly dataFolder: string;
  /** The port of the dashboard; 0 selects a free one. Without it there is no dashboard. */
  readonly dashboardPort?: number | undefined;
  /** Starts without a dashboard if its port is in use. */
  readonly isDashboardOptional?: boolean;
  /** Processes that answer calls. With 1, the default, the process of the manager answers them. */
  readonly workers?: number;
  /** The variables `SKIFF_*`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
}

export interface Skiff {
  readonly url: string;
  /** The dashboard, with a login for one browser in the fragment. */
  readonly dashboardUrl?: string;
  /** Rejects new calls, drains calls under way for at most `SKIFF_DRAIN`, and stops all instances. */
  close(): Promise<void>;
}

/** Events stop this much before the front, in milliseconds. */
const EVENTS_FIRST_MS = 200;

/** @throws Error with a message for the terminal: data folder in use, port in use, invalid variable */
export function startSkiff(options: SkiffOptions): Promise<Skiff> {
  return ServiceList.start((services) => startServices(services, options));
}

async function startServices(services: ServiceList, options: SkiffOptions): Promise<Skiff> {
  const { host, port, dataFolder, workers = 1, env, print } = options;
  const limits = limitsFromEnv(env);
  const buildFolder = join(dataFolder, "build");
  // Empty until the routers run. Deploys wait for the routers.
  const routers: Pick<Front, "caughtUp">[] = [];
  // Functions may print before the store is open.
  const logStore = Promise.withResolvers<LogStore>();
  const logs = new LogBatches({ store: logStore.promise, print });
  const rules = commandRules(env, isLoopbackHost(host));
  const platform = await LocalPlatform.open({
    dataFolder,
    limits,
    isolation: isolationMode(env.SKIFF_ISOLATION),
    walledNetwork: hasWalledNetwork(env.SKIFF_NETWORK),
    secretsKey: keySource(env),
    engine: { variables: engineVariables(env), allowed: rules.images },
    leftovers: ["build/builds", "run"],
    onLine: (name, line, isGone = false) => {
      const { stream, text, version } = line;
      for (const each of text.split("\n"))
        print(`[${name}] ${stream === "platform" ? "! " : ""}${printable(each)}`);
      // Those of Skiff itself have no version.
      if (version !== undefined && !isGone) logs.push(name, line);
    },
    spread: async () => void (await Promise.all(routers.map((router) => router.caughtUp()))),
  });
  // Drained while the server listens, so that late calls get 503 instead of a refused connection.
  services.add({ name: "platform", drain: (drainMs) => platform.close({ drainMs }) });

  // After the platform has locked the folder.
  const store = env.SKIFF_STORE
    ? await openPostgres(env.SKIFF_STORE, limits, print)
    : new SqliteStore({ file: join(dataFolder, "history.db"), ...limits, print });
  services.add({ name: "store", close: () => store.close() });
  const bounds = { ageMs: limits.logAgeMs, bytes: limits.logBytes };
  const segments = new SegmentLogStore({ folder: join(dataFolder, "logs"), ...bounds, print });
  logStore.resolve("logs" in store ? store.logs : segments);
  services.add({ name: "logs", close: () => logs.close().then(() => segments.close()) });

  // Only the hash of a new token is stored.
  const { access, createdToken } = accessFor({ host, tokenFile: join(dataFolder, "token.sha256"), env });
  if (createdToken !== undefined) {
    print(`The management API needs this token, which is shown only now: ${createdToken}`);
  }
  if (env.SKIFF_DASHBOARD_URL && options.dashboardPort !== undefined && access.mode === "loopback") {
    throw new Error("SKIFF_DASHBOARD_URL makes the dashboard public, which needs a token: set SKIFF_TOKEN.");
  }
  const keyTable = new KeyTable();
  const followed = followKeys(platform.declarations, keyTable, print);
  services.add({ name: "keys", close: async () => followed.close() });
  const internal = internalKey(randomBytes(32).toString("hex"));
  keyTable.set(internal.id, internal.spec);
  const importHosts = (env.SKIFF_IMPORT_HOSTS ?? "").split(",").filter((entry) => entry !== "");
  const posted = createBuilder({ deno: denoPath(), directory: buildFolder, limits, importHosts, env, print });
  const builder = chooseBuilder({ posted: cacheBundles(posted), isInstalled: isInstalledHere });
  services.add({ name: "builder", drain: () => builder.close() });

  const proxies = parseTrustedProxies(env.SKIFF_TRUST_PROXY);
  const changes = storeChanges();
  const eventStore = announcing(store, changes);
  let routerUrl = "";
  let dashboard: OpenedDashboard | undefined;
  const dashboardUrl = env.SKIFF_DASHBOARD_URL
    ? checkBaseUrl("SKIFF_DASHBOARD_URL", env.SKIFF_DASHBOARD_URL)
    : undefined;
  const isShared = Boolean(env.SKIFF_STORE);
  const shared = {
    ...{ store: eventStore, usage: store.usage, changes, isShared },
    ...{ platform, limits, keys: keyTable, access, proxies, env, print },
    ...{ router: () => routerUrl, callerKey: internal.text, now: Date.now, random: Math.random },
  };
  const events = createEvents({ ...shared, commandRules: rules });
  const flows = createFlows({ ...shared, identity: isShared ? installationId(dataFolder) : "local" });

  const metrics = new Metrics();
  const manager = createManager({
    platform,
    builder,
    limits,
    access,
    store: { usage: store.usage, audit: store.audit, logs, ...eventStore },
    keyTable,
    commandRules: rules,
    proxies,
    tokens: oidcFrom(env, print),
    print,
    metrics: () => metrics.text(),
    ready: () => (services.state === "ready" ? undefined : `Skiff is ${services.state}.`),
    gitHome: folderGitHome(dataFolder, env.PATH),
    callbackHosts: callbackHosts(env),
    system: {
      platform: "local",
      store: { kind: isShared ? "postgresql" : "sqlite", schema: MIGRATIONS.length },
      ...localWalls(platform),
      memory: () => platform.memory,
      oidcIssuer: env.SKIFF_OIDC_ISSUER || undefined,
    },
    ...(env.SKIFF_URL ? { publicUrl: checkBaseUrl("SKIFF_URL", env.SKIFF_URL) } : {}),
    dashboardUrl: (requestHost) =>
      dashboard && (dashboardUrl ?? urlOf(LOOPBACK.has(host) ? requestHost : host, dashboard.port)),
  });
  const frontOptions = {
    platform,
    limits,
    keys: keyTable,
    print,
    env,
    other: besidesCalls(manager, [flows, events]),
  };
  const front =
    workers === 1
      ? await createFrontAlone(frontOptions)
      : await openWorkers({ ...frontOptions, workers, folder: join(dataFolder, "run") });
  routers.push(front);
  const guards = new Guards({ platform, store, log: (name, line) => logs.push(name, line), print });
  addRouterMetrics(metrics, front.counted, { guards: () => guards });
  metrics.add(() => events.metrics());
  metrics.add(() => flows.metrics());
  metrics.add(() => manager.metrics());
  const exchange = (orders: RouterOrders) => front.exchangeUsage(orders);
  const collector = new Collector({
    exchange,
    ledger: store.usage,
    onCounted: guards.count,
    onFailures: logFailures(logs, print),
    print,
  });
  const sampler = new Sampler({ platform, ledger: store.usage, memory: () => platform.memoryById, print });
  services.add({
    name: "usage",
    drain: async () => void (await Promise.all([collector.close(), sampler.close()])),
  });
  services.add({
    name: "server",
    // Together: calls that events and flows make go through the front. They break their own off, before the front does.
    drain: (drainMs) =>
      Promise.all([
        events.drain({ drainMs: Math.max(0, drainMs - EVENTS_FIRST_MS) }),
        flows.drain({ drainMs: Math.max(0, drainMs - EVENTS_FIRST_MS) }),
        front.drain({ drainMs }),
        manager.close({ drainMs }),
      ]),
    close: (withinMs) => front.close({ withinMs }),
  });

  const opened = [builder.prepare(), followed.loaded, "opened" in store && store.opened];
  const [{ description }] = await Promise.all([platform.isolation(), ...opened]);
  await manager.start();
  const bound = await front.listen({ port, host }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(`port ${port} of ${host} is in use; choose another with --port.`);
  });
  services.ready();
  routerUrl = urlOf(LOOPBACK.get(host) ?? host, bound);
  const url = urlOf(host, bound);
  const version = readVersion();
  printExamples({ url, version, options, needsToken: access.mode === "token" });
  if (options.dashboardPort !== undefined) {
    dashboard = await openDashboard({
      ...{ host, port: options.dashboardPort, isOptional: options.isDashboardOptional ?? false },
      ...{ limits, version, proxies, print, publicUrl: dashboardUrl, functionsUrl: env.SKIFF_URL },
      targets: () => ({ manager: routerUrl, events: routerUrl, router: routerUrl }),
      isLoopback: isLoopbackHost(host),
      oidc: oidcSettings(env),
      hasToken: access.mode === "token",
      takesIssued: Boolean(env.SKIFF_OIDC_ISSUER),
      // Without a token the API takes a request with the address of a client for that of a proxy.
      namesClient: access.mode !== "loopback",
      createKey: () => manager.createDashboardKey(),
      assets: async () => (await import("./dashboard/build/assets.ts")).openAssets(),
    });
    services.add({ name: "dashboard", close: async (withinMs) => dashboard?.close({ withinMs }) });
  }
  print(`  files of functions: ${description}`);
  // The caller comes first: it handles signals.
  setImmediate(() => {
    if (services.state !== "ready") return;
    warm({ platform, builder }, print);
    events
      .start()
      .catch((error: Error) => print(`Asynchronous calls and events do not work: ${error.message}`));
    flows.start().catch((error: Error) => print(`Flows do not work: ${error.message}`));
  });
  return {
    url,
    ...(dashboard ? { dashboardUrl: dashboard.url } : {}),
    close: () => services.stop({ drainMs: limits.drainMs }),
  };
}

/** Answers requests that are not below /fn. */
function besidesCalls(manager: Manager, others: readonly ProgramPart[]): RequestHandler {
  return (request, response) => {
    const taker = others.find((each) => each.takes(request.method!, request.url!)) ?? manager;
    taker.handler(request, response);
  };
}

async function openPostgres(
  url: string,
  limits: Limits,
  print: SkiffOptions["print"],
): Promise<PostgresStore> {
  const { PostgresStore } = await import("./store/postgres/postgres-store.ts");
  return new PostgresStore({ url, limits, print });
}

async function openWorkers(options: WorkersOptions): Promise<Front> {
  const { Workers } = await import("./router/workers/workers.ts");
  return new Workers(options);
}

interface Examples {
  readonly url: string;
  readonly version: string;
  readonly options: SkiffOptions;
  readonly needsToken: boolean;
}

function printExamples({ url, version, options, needsToken }: Examples): void {
  const { dataFolder, print } = options;
  print(`Skiff ${version} listens on ${url} and stores its data in ${dataFolder}`);
  const token = needsToken ? '-H "authorization: Bearer $SKIFF_TOKEN" ' : "";
  print(`  deploy: curl ${token}--data-binary @examples/useragent.ts -X POST ${url}/func?name=useragent`);
  print(`  call:   curl ${url}/fn/useragent`);
}
