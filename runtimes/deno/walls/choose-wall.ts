import { WorkerPool } from "../build/worker-pool.ts";
import type { BuildMeter } from "./build-meter.ts";
import { BuildProcesses, type ProcessesOptions } from "./build-processes.ts";
import type { WallKind } from "./build-wall.ts";

const PROBE_MS = 10_000;

export interface ChooseOptions {
  /** Walls to try, the best one first; by default those that the system may have. */
  readonly walls?: readonly WallKind[] | undefined;
  readonly meter: BuildMeter;
  readonly print: (line: string) => void;
}

/**
 * Tries one wall after the other with the first worker, and says what is missing behind the one that works.
 * @throws Error if no worker starts
 */
export async function openBestWall(
  shared: ProcessesOptions,
  options: ChooseOptions,
): Promise<{ processes: BuildProcesses; pool: WorkerPool }> {
  const { walls = systemWalls() } = options;
  for (const kind of walls) {
    const processes = new BuildProcesses(shared, kind);
    const pool = new WorkerPool(processes);
    try {
      if (kind !== "none") await probe(processes);
      await pool.warm();
    } catch (error) {
      await pool.close();
      if (kind === walls.at(-1)) throw error;
      continue;
    }
    printMissing(kind, options);
    return { processes, pool };
  }
  throw new Error("there is no way to start a build");
}

function systemWalls(): readonly WallKind[] {
  return process.platform === "linux" ? ["bwrap", "unshare", "none"] : ["none"];
}

/** @throws Error if Deno cannot run behind the wall */
async function probe(processes: BuildProcesses): Promise<void> {
  const started = processes.startProbe();
  const timer = setTimeout(() => started.kill(), PROBE_MS);
  const exit = await started.ended.finally(() => clearTimeout(timer));
  if (exit !== 0) throw new Error(`${processes.wall} ended with ${exit}: ${started.stderr}`);
}

function printMissing(kind: WallKind, { meter, print }: ChooseOptions): void {
  const missing = [
    ...(kind === "none" ? ["namespaces (neither bwrap nor unshare works here)"] : []),
    ...(meter.seesChildren ? [] : ["samples of their memory"]),
  ];
  if (missing.length === 0) return;
  print(`builds run without ${missing.join(" and ")}; their time, heap and permission limits hold`);
}
