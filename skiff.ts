/** The program for one machine: manager, routers and local platform on one port. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessFor } from "./manager/access/token.ts";
import { createManager } from "./manager/manager.ts";
import { Metrics } from "./metrics/metrics.ts";
import { limitsFromEnv } from "./platform/limits.ts";
import { LocalPlatform } from "./platform/local/local-platform.ts";
import { hasWalledNetwork, isolationMode } from "./platform/local/wall/isolation.ts";
import { printable, printableLines } from "./process/printable.ts";
import { closeInherited } from "./process/sandbox/spawn.ts";
import { ServiceList } from "./process/service-list.ts";
import { untilStopSignal } from "./process/stop-signals.ts";
import { createFrontAlone, type Front } from "./router/front.ts";
import { addRouterMetrics } from "./router/metrics/metrics.ts";
import { parseWorkers, Workers, type WorkersOptions } from "./router/workers/workers.ts";
import { createBuilder } from "./runtimes/deno/build/builder.ts";
import { cacheBundles } from "./runtimes/deno/build/bundle-cache.ts";
import { denoPath } from "./runtimes/deno/deno-binary.ts";

const USAGE = `Usage: npm start -- [--host HOST] [--port PORT] [--data DIR] [--workers N]

  --host     address to listen on, 127.0.0.1 by default (SKIFF_HOST)
  --port     port to listen on, 8080 by default; 0 takes a free one (SKIFF_PORT)
  --data     folder for everything that lasts, ./data by default (SKIFF_DATA)
  --workers  processes that answer calls, 1 by default: this one (SKIFF_WORKERS)

docs/settings.md lists every variable, docs/limits.md the limits.`;

/** Builds under way and caches, in the data folder. */
const BUILD_FOLDER = "build";
/** Sockets between the processes of Skiff, in the data folder. */
const RUN_FOLDER = "run";

export interface SkiffOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly dataFolder: string;
  /** Processes that answer calls. With 1, the default, the process of the manager answers them. */
  readonly workers?: number;
  /** Holds the settings `SKIFF_*`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
}

export interface Skiff {
  readonly url: string;
  /** Rejects new calls, drains those under way for `SKIFF_DRAIN` at most, and stops every instance. */
  close(): Promise<void>;
}

/** @throws Error with a message for the terminal: data folder in use, port taken, invalid variable */
export function startSkiff(options: SkiffOptions): Promise<Skiff> {
  return ServiceList.start((services) => startServices(services, options));
}

/** Platform, builder, manager and routers, on one port. */
async function startServices(services: ServiceList, options: SkiffOptions): Promise<Skiff> {
  const { host, dataFolder, env, print } = options;
  const limits = limitsFromEnv(env);
  // Empty until the routers run. A deploy waits for those that do.
  const routers: Pick<Front, "caughtUp">[] = [];
  const platform = await LocalPlatform.open({
    dataFolder,
    limits,
    isolation: isolationMode(env.SKIFF_ISOLATION),
    walledNetwork: hasWalledNetwork(env.SKIFF_NETWORK),
    leftovers: [join(BUILD_FOLDER, "builds"), RUN_FOLDER],
    onLine: (name, { stream, text }) =>
      print(`[${name}] ${stream === "platform" ? "! " : ""}${printable(text)}`),
    spread: async () => void (await Promise.all(routers.map((router) => router.caughtUp()))),
  });
  // Closed while the server still listens, so that late callers get 503 instead of a refused connection.
  services.add({ name: "platform", drain: (drainMs) => platform.close({ drainMs }) });

  // The platform has locked the folder. The token is kept as a hash, so it is printed now or never.
  const { access, createdToken } = accessFor({ host, tokenFile: join(dataFolder, "token.sha256"), env });
  if (createdToken !== undefined) {
    print(`The management API needs this token, which is shown only now: ${createdToken}`);
  }
  const importHosts = (env.SKIFF_IMPORT_HOSTS ?? "").split(",").filter((entry) => entry !== "");
  const directory = join(dataFolder, BUILD_FOLDER);
  const builder = cacheBundles(
    createBuilder({ deno: denoPath(), directory, limits, importHosts, env, print }),
  );
  services.add({ name: "builder", drain: () => builder.close() });

  const metrics = new Metrics();
  const manager = createManager({
    platform,
    builder,
    limits,
    access,
    print,
    metrics: () => metrics.text(),
    ready: () => (services.state === "ready" ? undefined : `Skiff is ${services.state}.`),
    ...(env.SKIFF_URL ? { publicUrl: checkPublicUrl(env.SKIFF_URL) } : {}),
  });
  const front = await createFront({ platform, limits, print, env, other: manager.handler }, options);
  routers.push(front);
  addRouterMetrics(metrics, front.counted);
  services.add({
    name: "server",
    drain: (drainMs) => Promise.all([front.drain({ drainMs }), manager.close({ drainMs })]),
    close: (withinMs) => front.close({ withinMs }),
  });

  const { description } = await platform.isolation();
  await builder.warm();
  const url = await listen(front, options);
  services.ready();
  announce({ url, dataFolder, needsToken: access.mode === "token", print });
  print(`  files of functions: ${description}`);
  platform.describeNetwork().then(
    (network) => print(`  network of functions: ${network}`),
    (error: Error) => print(`  network of functions: ${error.message}`),
  );
  platform.warm().catch((error: Error) => print(`Starts are slower than they could be: ${error.message}`));
  return { url, close: () => services.stop({ drainMs: limits.drainMs }) };
}

/** Routers in this process, or in processes of their own. */
async function createFront(
  front: Omit<WorkersOptions, "workers" | "folder">,
  { workers = 1, dataFolder }: SkiffOptions,
): Promise<Front> {
  if (workers === 1) return createFrontAlone(front);
  return new Workers({ ...front, workers, folder: join(dataFolder, RUN_FOLDER) });
}

/** Resolves with the URL that the front listens on. */
async function listen(front: Front, { host, port }: SkiffOptions): Promise<string> {
  try {
    const bound = await front.listen({ port, host });
    return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(`port ${port} of ${host} is in use; choose another with --port.`);
  }
}

function checkPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return text;
  throw new Error(`SKIFF_URL=${text} is not a valid base URL: use one like https://functions.example.com.`);
}

interface Announcement {
  readonly url: string;
  readonly dataFolder: string;
  readonly needsToken: boolean;
  readonly print: (line: string) => void;
}

function announce({ url, dataFolder, needsToken, print }: Announcement): void {
  const manifest = readFileSync(new URL("package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(manifest) as { version: string };
  print(`Skiff ${version} listens on ${url} and keeps its data in ${dataFolder}`);
  const token = needsToken ? '-H "authorization: Bearer $SKIFF_TOKEN" ' : "";
  print(`  deploy: curl ${token}--data-binary @examples/useragent.ts -X POST ${url}/func?name=useragent`);
  print(`  call:   curl ${url}/fn/useragent`);
}

/** Starts Skiff with the options of the command line; undefined after `--help`. */
async function startFromCommandLine(print: (line: string) => void): Promise<Skiff | undefined> {
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: process.env.SKIFF_HOST || "127.0.0.1" },
      port: { type: "string", default: process.env.SKIFF_PORT || "8080" },
      data: { type: "string", default: process.env.SKIFF_DATA || "data" },
      workers: { type: "string", default: process.env.SKIFF_WORKERS || "" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new Error(`--port ${values.port} is not a valid port: use 0 to 65535.`);
  }
  const { host, port, data: dataFolder } = values;
  const workers = parseWorkers("--workers", values.workers);
  return startSkiff({ host, port: Number(port), dataFolder, workers, env: process.env, print });
}

async function main(): Promise<void> {
  closeInherited();
  const parent = process.ppid;
  // Other users of this machine must not read the sources and variables of functions.
  process.umask(0o077);
  // Keep serving when the reader of the output goes away (`| head`, a closed terminal).
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const print = (line: string) => console.log(printableLines(line));
  const skiff = await startFromCommandLine(print).catch((error: unknown) => {
    console.error(error instanceof Error ? `Skiff does not start: ${error.message}` : error);
    process.exitCode = 1;
    return undefined;
  });
  if (skiff === undefined) return;
  const reason = await untilStopSignal({ env: process.env, parent });
  print(`${reason}: letting calls finish; once more to stop at once`);
  await skiff.close();
  process.exit(0);
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
}
