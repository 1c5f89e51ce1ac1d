import { spawn } from "node:child_process";

export interface ChildOptions {
  readonly cwd: string;
  /** Everything that the child finds in its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Longest output that is kept, in bytes; a child that prints more is killed. */
  readonly outputBytes: number;
  /** Kills the child and all that it started. */
  readonly signal: AbortSignal;
}

export interface ChildResult {
  readonly stdout: string;
  /** The last part of it. */
  readonly stderr: string;
  readonly exit: number | NodeJS.Signals;
  /** It was killed because it printed over `outputBytes`. */
  readonly tooMuch: boolean;
}

const STDERR_KEPT = 4_000;

/**
 * Runs a program to its end.
 * @throws Error if it cannot be started, the reason of `signal` if that aborted
 */
export async function runChild(command: readonly string[], options: ChildOptions): Promise<ChildResult> {
  const { cwd, env, outputBytes, signal } = options;
  signal.throwIfAborted();
  // A process group of its own, so that its children can be killed with it.
  const child = spawn(command[0]!, command.slice(1), {
    cwd,
    env,
    detached: true,
    // An input that only ends with this process tells the child that nobody waits for it any more.
    stdio: ["pipe", "pipe", "pipe"],
  });
  const kill = () => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  const chunks: Buffer[] = [];
  let bytes = 0;
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > outputBytes) kill();
    else chunks.push(chunk);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT);
  });
  signal.addEventListener("abort", kill);
  try {
    // What the child leaves behind would hold its output open.
    child.once("exit", kill);
    const exit = await new Promise<number | NodeJS.Signals>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, killedBy) => resolve(killedBy ?? code ?? 1));
    });
    signal.throwIfAborted();
    const stdout = Buffer.concat(chunks).toString();
    return { stdout, stderr, exit, tooMuch: bytes > outputBytes };
  } finally {
    signal.removeEventListener("abort", kill);
  }
}
