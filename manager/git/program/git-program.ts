import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { type GitBounds, type GitPaths, gitEnvironment } from "./environment.ts";
import { type Git, GitFailed, type GitOptions, type RunningGit } from "./git.ts";
import { WaitingShells } from "./waiting-shells.ts";

const MOST_BYTES = 16 * 1024 ** 2;
const STDERR_BYTES = 16 * 1024;
/** Address space of one process: a push or a clone has several. */
const MEMORY_BYTES = 1024 ** 3;

export interface GitProgramOptions {
  readonly paths: GitPaths;
  readonly bounds: GitBounds;
  /** Time of a command, in milliseconds. */
  readonly timeoutMs: number;
}

/** How a command is started besides `GitOptions`. */
export interface StartOptions extends GitOptions {
  /** Path of the program; by default `git`. */
  readonly program?: string;
  /** Configuration besides that of every command. */
  readonly config?: Readonly<Record<string, string>>;
  /** Gives the command a socket as descriptor 3. */
  readonly hasChannel?: boolean;
  /** Most bytes of a file that it writes; it is ended at the next one. */
  readonly fileBytes?: number;
}

export interface StartedGit extends RunningGit {
  /** The other end of descriptor 3. */
  readonly channel: (Readable & Writable) | undefined;
}

/** The git of this machine. A command and its children are one process group, which ends as a whole. */
export class GitProgram implements Git {
  readonly #options: GitProgramOptions;
  /** Variables of every command. */
  readonly #env: Readonly<Record<string, string>>;
  readonly #shells: WaitingShells;
  readonly #running = new Set<ChildProcess>();

  constructor(options: GitProgramOptions) {
    this.#options = options;
    this.#env = gitEnvironment(options.paths, options.bounds);
    this.#shells = new WaitingShells(this.#env);
  }

  async run(args: readonly string[], options: StartOptions): Promise<Buffer> {
    const { input, mostBytes = MOST_BYTES } = options;
    const tooMuch = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, tooMuch.signal]) : tooMuch.signal;
    const running = this.start(args, { ...options, signal });
    running.stdin.end(input);
    const chunks: Buffer[] = [];
    let bytes = 0;
    running.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= mostBytes) chunks.push(chunk);
      else {
        const stderr = `it printed more than ${mostBytes} bytes`;
        tooMuch.abort(new GitFailed(args[0]!, { exitCode: undefined, stderr }));
      }
    });
    await running.ended;
    return Buffer.concat(chunks);
  }

  start(args: readonly string[], options: StartOptions): StartedGit {
    const { paths, bounds, timeoutMs } = this.#options;
    const { program = "git", repository, objects, env, config, hasChannel = false } = options;
    const { memoryBytes = MEMORY_BYTES, fileBytes } = options;
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
    signal.throwIfAborted();
    const child = this.#shells.start({
      folder: repository,
      env: this.#differing({
        ...gitEnvironment(paths, bounds, config),
        GIT_DIR: repository,
        ...(objects === undefined ? {} : quarantine(repository, objects)),
        ...env,
      }),
      args: [program, ...args],
      ...{ memoryBytes, fileBytes, hasChannel },
    });
    this.#running.add(child);
    const [stdin, stdout, stderr] = child.stdio as readonly [Writable, Readable, Readable, ...unknown[]];
    // A command may end before it has read its input, which its exit code explains.
    stdin.on("error", () => {});
    let printed = "";
    stderr.setEncoding("utf8").on("data", (text: string) => {
      printed = (printed + text).slice(-STDERR_BYTES);
    });
    const stop = () => endGroup(child);
    signal.addEventListener("abort", stop, { once: true });
    const done = async () => {
      try {
        const [code] = (await once(child, "close")) as [number | null];
        signal.throwIfAborted();
        if (code !== 0)
          throw new GitFailed(args[0] ?? program, { exitCode: code ?? undefined, stderr: printed });
      } finally {
        signal.removeEventListener("abort", stop);
        this.#running.delete(child);
      }
    };
    const ended = done();
    // A caller that only reads the output does not await the end.
    ended.catch(() => {});
    const channel = hasChannel ? (child.stdio[3] as Readable & Writable) : undefined;
    channel?.on("error", () => {});
    return { stdin, stdout, ended, channel };
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    const closed = [...this.#running].map((child) => once(child, "close"));
    for (const child of this.#running) endGroup(child);
    await Promise.all([...closed, this.#shells.close()]);
  }

  #differing(env: Readonly<Record<string, string>>): Record<string, string> {
    return Object.fromEntries(Object.entries(env).filter(([name, value]) => this.#env[name] !== value));
  }
}

/** What git sets for the hooks of a push. */
function quarantine(repository: string, objects: string): Record<string, string> {
  return {
    GIT_OBJECT_DIRECTORY: objects,
    GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted(`${repository}/objects`),
  };
}

/** A folder in a list with colons (git(1)). */
function quoted(folder: string): string {
  return folder.includes(":") ? `"${folder.replace(/["\\]/g, "\\$&")}"` : folder;
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
