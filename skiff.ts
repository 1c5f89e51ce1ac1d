/** The all-in-one program: manager, router and local platform in one process on one origin. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { accessFor } from "./manager/access/listen-access.ts";
import { createManager } from "./manager/manager.ts";
import { type Limits, limitsFromEnv } from "./platform/limits.ts";
import { LocalPlatform } from "./platform/local/local-platform.ts";
import { closeInherited } from "./platform/local/wall/inherited.ts";
import { hasWalledNetwork, isolationMode } from "./platform/local/wall/isolation.ts";
import { printable, printableLines } from "./process/printable.ts";
import { onStopSignals } from "./process/stop-signals.ts";
import { createFrontAlone, type Front } from "./router/front.ts";
import { createMetrics } from "./router/metrics/metrics.ts";
import { parseWorkers, Workers, type WorkersOptions } from "./router/workers/workers.ts";
import { createBuilder } from "./runtimes/deno/build/builder.ts";
import { cacheBundles } from "./runtimes/deno/build/bundle-cache.ts";
import { denoPath } from "./runtimes/deno/deno-binary.ts";

const USAGE = `Usage: npm start -- [--host HOST] [--port PORT] [--data DIR] [--workers N]

  --host     address to listen on, 127.0.0.1 by default (SKIFF_HOST)
  --port     port to listen on, 8080 by default; 0 takes a free one (SKIFF_PORT)
  --data     folder for everything that lasts, ./data by default (SKIFF_DATA)
  --workers  processes that answer calls, 1 by default: this one (SKIFF_WORKERS)

README.md lists the limits and their variables.`;

/** Builds under way and caches, in the data folder. */
const BUILD_FOLDER = "build";
/** Sockets between the processes of Skiff, in the data folder. */
const RUN_FOLDER = "run";

/** For an instance to end and a last response to arrive when the time of calls is over. */
const LAST_MOMENT_MS = 1_000;

export interface SkiffOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly dataFolder: string;
  /** Processes that answer calls; 1, the default: the one that does everything else. */
  readonly workers?: number;
  /** Where the settings SKIFF_* are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Takes one line for the person at the terminal. */
  readonly print: (line: string) => void;
}

export interface Skiff {
  readonly url: string;
  /** Refuses new calls, lets those under way finish within the drain time, stops every instance. */
  close(): Promise<void>;
}

/** @throws Error in words for the person who started it: data folder in use, port taken, bad variable */
export async function startSkiff(options: SkiffOptions): Promise<Skiff> {
  const { dataFolder, env, print } = options;
  const limits = limitsFromEnv(env);
  // Made last, but asked by the platform.
  let front: Front | undefined;
  const createFront = async (frontOptions: FrontParts): Promise<Front> => {
    const { workers = 1 } = options;
    const folder = join(dataFolder, RUN_FOLDER);
    const several = () => new Workers({ ...frontOptions, workers, folder });
    front = workers === 1 ? await createFrontAlone(frontOptions) : several();
    return front;
  };
  let platform: LocalPlatform | undefined;
  try {
    platform = await LocalPlatform.open({
      dataFolder,
      limits,
      isolation: isolationMode(env.SKIFF_ISOLATION),
      walledNetwork: hasWalledNetwork(env.SKIFF_NETWORK),
      leftovers: [join(BUILD_FOLDER, "builds"), RUN_FOLDER],
      onLine: (name, { stream, text }) =>
        print(`[${name}] ${stream === "platform" ? "! " : ""}${printable(text)}`),
      spread: async () => front?.caughtUp(),
    });
    return await serve(options, { platform, limits, createFront });
  } catch (error) {
    await front?.close({ withinMs: 0 });
    await platform?.close({ drainMs: 0 });
    throw error;
  }
}

type FrontParts = Omit<WorkersOptions, "workers" | "folder">;

interface Parts {
  readonly platform: LocalPlatform;
  readonly limits: Limits;
  readonly createFront: (options: FrontParts) => Promise<Front>;
}

/** Manager and routers on one port; closing it closes the parts as well. */
async function serve(options: SkiffOptions, { platform, limits, createFront }: Parts): Promise<Skiff> {
  const { host, port, dataFolder, env, print } = options;
  let state: "starting" | "ready" | "draining" = "starting";
  // After the platform, which has locked the folder; shown at once, because it cannot be shown again.
  const { access, createdToken } = accessFor({ host, tokenFile: join(dataFolder, "token.sha256"), env });
  if (createdToken !== undefined) {
    print(`The management API needs this token, which is shown only now: ${createdToken}`);
  }
  const importHosts = (env.SKIFF_IMPORT_HOSTS ?? "").split(",").filter((entry) => entry !== "");
  const directory = join(dataFolder, BUILD_FOLDER);
  const builder = cacheBundles(
    createBuilder({ deno: denoPath(), directory, limits, importHosts, env, print }),
  );
  const publicUrl = env.SKIFF_URL ? { publicUrl: checkPublicUrl(env.SKIFF_URL) } : {};
  const front = await createFront({
    platform,
    limits,
    print,
    env,
    other: (request, response) => manager.handler(request, response),
  });
  const manager = createManager({
    platform,
    builder,
    limits,
    access,
    print,
    metrics: createMetrics(front.counted),
    ready: () => (state === "ready" ? undefined : `Skiff is ${state}.`),
    ...publicUrl,
  });

  const close = async () => {
    // Still listening: whoever comes now is told to come back instead of finding nobody.
    state = "draining";
    const { drainMs } = limits;
    const untilMs = performance.now() + drainMs;
    // All have the same time together, and a moment more where the first has used it up.
    const leftMs = () => Math.max(Math.min(drainMs, LAST_MOMENT_MS), untilMs - performance.now());
    await Promise.all([front.drain({ drainMs }), manager.close({ drainMs })]);
    await builder.close();
    await platform.close({ drainMs: leftMs() });
    await front.close({ withinMs: leftMs() });
  };

  const { description } = await platform.isolation();
  await builder.warm();
  const bound = await front.listen({ port, host }).catch(async (error: NodeJS.ErrnoException) => {
    await builder.close();
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(`port ${port} of ${host} is in use; choose another with --port.`);
  });
  state = "ready";
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
  announce({ url, dataFolder, needsToken: access.mode === "token", print });
  print(`  files of functions: ${description}`);
  platform.describeNetwork().then(
    (network) => print(`  network of functions: ${network}`),
    (error: Error) => print(`  network of functions: ${error.message}`),
  );
  platform.warm().catch((error: Error) => print(`Starts are slower than they could be: ${error.message}`));
  return { url, close };
}

function checkPublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "") return text;
  throw new Error(`SKIFF_URL=${text} is no base of URLs: write it like https://functions.example.com.`);
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

async function main(): Promise<void> {
  closeInherited();
  const parent = process.ppid;
  // Sources and variables of functions are nobody else's business on this machine.
  process.umask(0o077);
  // Whoever reads the output may go away (`| head`, a closed terminal): that is no reason to stop serving.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const { values } = parseArgs({
    options: {
      host: { type: "string", default: process.env.SKIFF_HOST || "127.0.0.1" },
      port: { type: "string", default: process.env.SKIFF_PORT || "8080" },
      data: { type: "string", default: process.env.SKIFF_DATA || "data" },
      workers: { type: "string", default: process.env.SKIFF_WORKERS || "" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  if (!/^\d{1,5}$/.test(values.port) || Number(values.port) > 65_535) {
    throw new Error(`--port ${values.port} is no port: give a number from 0 to 65535.`);
  }
  const { host, port, data: dataFolder } = values;
  const workers = parseWorkers("--workers", values.workers);
  const print = (line: string) => console.log(printableLines(line));
  const skiff = await startSkiff({ host, port: Number(port), dataFolder, workers, env: process.env, print });
  const exit = (code: number) => () => process.exit(code);
  onStopSignals({
    env: process.env,
    parent,
    stop: (reason) => {
      print(`${reason}: letting calls finish; once more to stop at once`);
      skiff.close().then(exit(0), (error: unknown) => {
        console.error(error);
        process.exit(1);
      });
    },
    stopNow: exit(1),
  });
}

if (import.meta.main) {
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? `Skiff does not start: ${error.message}` : error);
    process.exitCode = 1;
  });
}
