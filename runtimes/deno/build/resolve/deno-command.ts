import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DenoCommand {
  /** Path of the Deno binary. */
  readonly deno: string;
  /** The current folder of the command. */
  readonly folder: string;
}

const STDERR_KEPT = 100_000;
/** Not a judgement of Deno about the project either. */
const NO_SPACE = /No space left on device/;
/** Shells report a signal as an exit code above this value. */
const FIRST_SIGNAL_EXIT = 128;

/** Runs a command of Deno to its end. If a signal ends it, this process ends as well. */
export async function runDeno({ deno, folder }: DenoCommand, args: readonly string[]): Promise<Outcome> {
  const child = spawn(deno, args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  const text = Buffer.concat(stderr).toString().slice(0, STDERR_KEPT);
  // Not a judgement of Deno about the project: it ran out of memory, of stack, or of the size of a file.
  if (code === null) process.exit(FIRST_SIGNAL_EXIT + constants.signals[signal!]);
  if (code !== 0 && NO_SPACE.test(text)) throw new Error(text);
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: text };
}
