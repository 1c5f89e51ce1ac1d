import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";

/** The function behind all peers. */
export const UPSTREAM = `Deno.serve({ onListen() {} }, () => new Response("hi"));\n`;

export interface UpstreamOptions {
  readonly folder: string;
  /** The program; it answers "hi" by default. Programs in one folder need a name each. */
  readonly source?: string;
  readonly name?: string;
  /** In the form of DENO_SERVE_ADDRESS. */
  readonly address: string;
  readonly children: ChildProcess[];
}

/** Starts the function as a bare Deno program. */
export function startUpstream({
  folder,
  source = UPSTREAM,
  name = "upstream",
  address,
  children,
}: UpstreamOptions): void {
  const program = join(folder, `${name}.js`);
  writeFileSync(program, source);
  const env = { DENO_SERVE_ADDRESS: address, DENO_DIR: join(folder, "deno"), NO_COLOR: "1" };
  // It would print an error for every client that leaves in the middle of a request.
  children.push(spawn(denoPath(), ["run", "-A", program], { env, stdio: "ignore" }));
}
