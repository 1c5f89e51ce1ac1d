import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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
  #waiting: ChildProcess[] = [];
  #refill: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param env variables of every command */
  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  /** Starts a command, in a process group of its own. Its standard streams and descriptor 3 are pipes. */
  start(command: ShellCommand): ChildProcess {
    const lines = linesOf(command);
    const child = this.#take();
    child.stdin?.write(lines);
    if (!command.hasChannel) child.stdio?.[3]?.destroy();
    this.#scheduleRefill();
    return child;
  }

  /** Ends those that wait. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#refill);
    const closed = this.#waiting.map((child) => once(child, "close"));
    for (const child of this.#waiting) child.kill("SIGKILL");
    this.#waiting = [];
    await Promise.all(closed);
  }

  #take(): ChildProcess {
    let child = this.#waiting.shift();
    while (child && (child.exitCode !== null || child.signalCode !== null)) child = this.#waiting.shift();
    if (child === undefined) return this.#spawn();
    child.ref();
    for (const stream of socketsOf(child)) stream.ref();
    return child;
  }

  #spawn(): ChildProcess {
    const stdio = ["pipe", "pipe", "pipe", "pipe"] as const;
    return spawn("/bin/sh", ["-c", SHELL], { cwd: "/", env: this.#env, stdio: [...stdio], detached: true });
  }

  #scheduleRefill(): void {
    clearTimeout(this.#refill);
    if (this.#isClosed || this.#waiting.length >= PLACES) return;
    this.#refill = setTimeout(() => {
      const child = this.#spawn();
      // The next command tries again, and has the error.
      child.on("error", () => {});
      if (child.pid === undefined) return;
      child.unref();
      for (const stream of socketsOf(child)) stream.unref();
      this.#waiting.push(child);
      this.#scheduleRefill();
    }, REFILL_AFTER_MS);
    this.#refill.unref();
  }
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
