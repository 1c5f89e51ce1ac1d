import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Skiff, startSkiff } from "../../../one-machine.ts";
import { networkEnvironment } from "../network-environment.ts";
import { keepCompiledRuntime, lendCompiledRuntime } from "./compiled-runtime.ts";

export interface StartedSkiff extends Skiff {
  /** What was printed on the terminal. */
  readonly lines: string[];
  readonly dataFolder: string;
  /** Deploys a source and gives the parsed answer; `settings` is a query string. */
  deploy(name: string, source: string | Uint8Array, settings?: string): Promise<DeployAnswer>;
}

export interface DeployAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Processes that answer calls; 1 by default. */
  readonly workers?: number;
  /** The port of the dashboard, 0 for a free one; no dashboard by default. */
  readonly dashboardPort?: number;
  readonly isDashboardOptional?: boolean;
  /** A folder to start on again; otherwise one is made, and removed by `close`. */
  readonly dataFolder?: string;
}

/** The all-in-one program in this process, on a free port. */
export async function startedSkiff({
  env = {},
  workers = 1,
  dashboardPort,
  isDashboardOptional = false,
  dataFolder,
}: StartOptions = {}): Promise<StartedSkiff> {
  const folder = dataFolder ?? mkdtempSync(join(tmpdir(), "skiff-test-"));
  if (dataFolder === undefined) lendCompiledRuntime(folder);
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  const all = { ...networkEnvironment(), ...env };
  const place = { host: "127.0.0.1", port: 0, dataFolder: folder };
  const skiff = await startSkiff({ ...place, dashboardPort, isDashboardOptional, workers, env: all, print });
  return {
    ...skiff,
    lines,
    dataFolder: folder,
    async close() {
      await skiff.close();
      if (dataFolder !== undefined) return;
      keepCompiledRuntime(folder);
      rmSync(folder, { recursive: true, force: true });
    },
    async deploy(name, source, settings = "") {
      const url = `${skiff.url}/func?name=${name}&${settings}`;
      const response = await fetch(url, { method: "POST", body: source as BodyInit });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
  };
}
