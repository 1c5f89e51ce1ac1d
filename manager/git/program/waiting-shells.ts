import { type ChildProcess, spawn } from "node:child_process";
import type { Socket } from "node:net";

/** Shells that wait. A push runs up to this many commands at a time. */
const PLACES = 6;
/** Pause before each new one: a command that runs needs the processor more. */
const REFILL_AFTER_MS = 200;

/** What a shell becomes. */
export interface ShellCommand {
  readonly folder: string;
  /** Variables besides those of every command. */
  readonly env: Readonly<Record<string, string>>;
  /** The program, and what follows it. */
  readonly args: readonly string[];
  readonly memoryBytes: number;
  /** Most bytes of a file. */
  readonly fileBytes?: number | undefined;
  /** Whether descriptor 3 stays. */
  readonly hasChannel: boolean;
}

interface WaitingShell {
  readonly child: ChildProcess;
  /** Resolves when it has ended, which it may have done before anybody asks. */
  readonly closed: Promise<void>;
}

/** Processor time of one process, in seconds: a pack may unpack to a thousand times its size. */
const CPU_S = 300;
/** The unit of `ulimit -f` (POSIX). */
const BLOCK_BYTES = 512;

/**
 * Reads a command, and becomes it. A system without one of the limits goes on with the others. A `part` ends with a line
 * break of the value to which it belongs. What follows `run` on the standard input is for the command.
 */
const SHELL = `part=
ulimit -c 0
ulimit -t ${CPU_S} 2>/dev/null
while IFS= read -r line; do
  case $line in
    "part "*) part="$part\${line#part }
"; continue ;;
    "in "*) cd "$part\${line#in }" || exit 1 ;;
    "var "*) export "$part\${line#var }" ;;
    "arg "*) set -- "$@" "$part\${line#arg }" ;;
    "memory "*) ulimit -v "\${line#memory }" 2>/dev/null ;;
    "file "*) ulimit -f "\${line#file }" ;;
    "no channel") exec 3>&- ;;
    run) exec "$@" ;;
  esac
  part=
done
`;

/**
 * Keeps shells waiting for the commands that they become. To start a process takes as long as a short command of git,
 * because the system copies the tables of the memory of Skiff.
 */
export class WaitingShells {
  readonly #env: Readonly<Record<string, string>>;
  #waiting: WaitingShell[] = [];
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param env variables of every command */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /**
   * Starts a command, in a process group of its own. Its standard streams and descriptor 3 are pipes.
   * @throws Error with the code EMFILE if no open file is left for it
   */
  start(command: ShellCommand): ChildProcess {
    const lines = linesOf(command);
    const child = this.#take();
    child.stdin?.write(lines);
    if (!command.hasChannel) child.stdio[3]?.destroy();
    this.#scheduleRefill();
    return child;
  }

  /** Ends those that wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    const shells = this.#waiting;
    this.#waiting = [];
    for (const { child } of shells) {
      // The process of Skiff stays alive until they have ended.
      keepAlive(child);
      child.kill("SIGKILL");
    }
    await Promise.all(shells.map(({ closed }) => closed));
  }

  #take(): ChildProcess {
    let child = this.#waiting.shift()?.child;
    while (child && (child.exitCode !== null || child.signalCode !== null))
      child = this.#waiting.shift()?.child;
    if (child === undefined) return this.#spawn();
    keepAlive(child);
    return child;
  }

  #spawn(): ChildProcess {
    const stdio = ["pipe", "pipe", "pipe", "pipe"] as const;
    const options = { cwd: "/", env: this.#env, stdio: [...stdio], detached: true };
    const child = spawn("/bin/sh", ["-c", SHELL], options);
    // An error without a listener would end Skiff.
    child.on("error", () => {});
    // Node gives a process no streams where it found no open files for them.
    if ((child.stdio as unknown) === undefined) throw noOpenFile();
    return child;
  }

  /** Starts a shell that waits. Returns whether the system had room for it. */
  #add(): boolean {
    let child: ChildProcess;
    try {
      child = this.#spawn();
    } catch {
      // The next command tries again, and has the error.
      return false;
    }
    if (child.pid === undefined) return false;
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    child.once("close", () => resolve());
    child.unref();
    for (const stream of socketsOf(child)) stream.unref();
    this.#waiting.push({ child, closed });
    return true;
  }

  #scheduleRefill(): void {
    clearTimeout(this.#refill);
    if (this.#isClosed || this.#waiting.length >= PLACES) return;
    this.#refill = setTimeout(() => {
      if (this.#add()) this.#scheduleRefill();
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }
}

/** Lets a child keep Skiff running, as other children do. */
function keepAlive(child: ChildProcess): void {
  child.ref();
  for (const stream of socketsOf(child)) stream.ref();
}

function noOpenFile(): Error {
  return Object.assign(new Error("git was not started: no open file is left"), { code: "EMFILE" });
}

function socketsOf({ stdio }: ChildProcess): readonly Socket[] {
  return stdio as unknown as readonly Socket[];
}

/** @throws Error for a text that no command can have */
function linesOf({ folder, env, args, memoryBytes, fileBytes, hasChannel }: ShellCommand): string {
  const lines = [
    textLines("in", folder),
    ...Object.entries(env).map(([name, value]) => textLines("var", `${name}=${value}`)),
    ...args.map((arg) => textLines("arg", arg)),
    `memory ${Math.floor(memoryBytes / 1024)}`,
    ...(fileBytes === undefined ? [] : [`file ${Math.ceil(fileBytes / BLOCK_BYTES)}`]),
    ...(hasChannel ? [] : ["no channel"]),
    "run\n",
  ];
  return lines.join("\n");
}

function textLines(kind: string, text: string): string {
  if (text.includes("\0")) throw new Error(`git was given a NUL in ${JSON.stringify(text.slice(0, 200))}`);
  const parts = text.split("\n");
  const last = parts.pop()!;
  return [...parts.map((part) => `part ${part}`), `${kind} ${last}`].join("\n");
}
