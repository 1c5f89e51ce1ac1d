import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";

const START_MS = 10_000;
const CHECK_MS = 20;

export interface DenoOptions {
  readonly folder: string;
  /** A program that calls `Deno.serve`. */
  readonly program: string;
  readonly children: ChildProcess[];
}

/** Starts a bare program of Deno on a Unix socket in `folder`, and waits until it listens. */
export async function startDeno({ folder, program, children }: DenoOptions) {
  const socket = join(folder, "bare.sock");
  const env = { DENO_SERVE_ADDRESS: `unix:${socket}`, DENO_DIR: join(folder, "deno"), NO_COLOR: "1" };
  const child = spawn(denoPath(), ["run", "-A", "--no-config", program], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  const untilMs = performance.now() + START_MS;
  while (!existsSync(socket)) {
    if (performance.now() > untilMs) throw new Error(`${program} did not listen within ${START_MS} ms`);
    await setTimeout(CHECK_MS);
  }
  return { pid: child.pid!, socket };
}
