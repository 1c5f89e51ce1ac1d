/** The program for one machine. It reads its command line and keeps compiled modules before it loads the rest. */
import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Skiff } from "./one-machine.ts";
import { keepCompiled } from "./process/compile-cache.ts";
import { keepHttpLean } from "./process/lean-http.ts";
import { printableLines } from "./process/printable.ts";
import { closeInherited } from "./process/sandbox/spawn.ts";
import { untilStopSignal } from "./process/stop-signals.ts";
import { parseWorkers } from "./router/workers/worker-count.ts";

/** Beside the libraries: whoever can write there can change the program itself. */
const CACHE = fileURLToPath(new URL("node_modules/.cache/skiff", import.meta.url));

/** Of the dashboard, unless the functions have a free port: then it has one too. */
const DASHBOARD_PORT = 8081;

const USAGE = `Usage: skiff serve [--host HOST] [--port PORT] [--data DIR] [--workers N] [--dashboard-port PORT]

  --host            address to listen on, 127.0.0.1 by default (SKIFF_HOST)
  --port            port to listen on, 8080 by default; 0 selects a free port (SKIFF_PORT)
  --data            folder of all persistent data, ./data by default (SKIFF_DATA)
  --workers         processes that answer calls, 1 by default: this process (SKIFF_WORKERS)
  --dashboard-port  port of the dashboard, 8081 by default; 0 selects a free port (SKIFF_DASHBOARD_PORT)
  --no-dashboard    starts without the dashboard (SKIFF_DASHBOARD=off)

In a checkout: npm start -- [options]. docs/settings.md lists all variables, docs/limits.md the limits.`;

/** Starts Skiff with the options of the command line. Undefined after `--help`. */
async function startFromCommandLine(
  args: readonly string[],
  print: (line: string) => void,
): Promise<Skiff | undefined> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      host: { type: "string", default: process.env.SKIFF_HOST || "127.0.0.1" },
      port: { type: "string", default: process.env.SKIFF_PORT || "8080" },
      data: { type: "string", default: process.env.SKIFF_DATA || "data" },
      workers: { type: "string", default: process.env.SKIFF_WORKERS || "" },
      "dashboard-port": { type: "string", default: process.env.SKIFF_DASHBOARD_PORT || "" },
      "no-dashboard": { type: "boolean", default: isOff(process.env.SKIFF_DASHBOARD) },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return undefined;
  }
  const { host, data: dataFolder } = values;
  const port = readPort("--port", values.port);
  const dashboard = dashboardOptions(port, values["dashboard-port"], values["no-dashboard"]);
  const workers = parseWorkers("--workers", values.workers);
  keepCompiled([CACHE, join(dataFolder, "compiled")]);
  keepHttpLean();
  const { startSkiff } = await import("./one-machine.ts");
  return startSkiff({ host, port, ...dashboard, dataFolder, workers, env: process.env, print });
}

function readPort(option: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Error(`${option} ${text} is not a valid port: use 0 to 65535.`);
}

function isOff(text: string | undefined): boolean {
  if (!text || text === "on") return false;
  if (text === "off") return true;
  throw new Error(`SKIFF_DASHBOARD=${text} is unknown: use "on" or "off".`);
}

/** @param given the port that was chosen; empty if none was */
function dashboardOptions(port: number, given: string, isNone: boolean) {
  if (isNone) return {};
  if (given !== "") return { dashboardPort: readPort("--dashboard-port", given) };
  return { dashboardPort: port === 0 ? 0 : DASHBOARD_PORT, isDashboardOptional: true };
}

/** Serves until a signal, which ends the process. Returns the exit code if it does not serve. */
export async function main(args: readonly string[]): Promise<number> {
  closeInherited();
  const parent = process.ppid;
  // Other users of the machine must not read sources and variables of functions.
  process.umask(0o077);
  // Keep serving after the reader of the output has closed it (`| head`, a closed terminal).
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const print = (line: string) => console.log(printableLines(line));
  const start = startFromCommandLine(args, print);
  const stopped = untilStopSignal({ env: process.env, parent, start });
  let skiff: Skiff | undefined;
  try {
    skiff = await start;
  } catch (error) {
    console.error(error instanceof Error ? `Skiff does not start: ${error.message}` : error);
    return 1;
  }
  if (skiff === undefined) return 0;
  // The process may end without an exit. This takes 0.1 s at the first start and 1 ms at later ones.
  flushCompileCache();
  const reason = await stopped;
  print(`${reason}: letting calls finish; send the signal again to stop at once`);
  await skiff.close();
  process.exit(0);
}

if (import.meta.main) {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
}
