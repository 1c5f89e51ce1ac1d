import type { ChildProcess } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { spawnDetached } from "../../../process/sandbox/spawn.ts";
import { LaunchError, notSpawned } from "../instances/launch-error.ts";
import { commandLine, startOf } from "../instances/process-table.ts";
import { WAITING } from "./profile.ts";

/** Longest time that making a sandbox may take. */
const PREPARE_MS = 10_000;
/** Longest time that what is inside may take to end after the tool around it. */
const GONE_MS = 5_000;
const GONE_LOOK_MS = 5;
const ERROR_CHARACTERS = 2_000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Names a file without opening it; not in Node's list. */
const O_PATH = 0o10000000;

/** A walled place in which a shell waits for what it is to become. */
export class Sandbox {
  readonly child: ChildProcess;
  /** The shell, which becomes the instance's program. */
  readonly pid: number;
  /** Descriptor of the folder in memory, taken before any foreign code ran. */
  readonly #work: number;
  #socket: number | undefined;
  #isEnded = false;
  /** Resolves when all that was in it has ended. */
  readonly ended: Promise<void>;

  private constructor(child: ChildProcess, pid: number, work: number) {
    this.child = child;
    this.pid = pid;
    this.#work = work;
    const start = startOf(pid);
    this.ended = new Promise((resolve) => {
      child.once("exit", () => {
        this.#isEnded = true;
        // What is read by nobody must not keep the streams open.
        for (const stream of [child.stdout, child.stderr]) stream?.resume();
      });
      // What is inside may outlive the tool around it by a moment, also without the ends of the streams.
      child.once("close", () => void untilGone(pid, start).then(resolve, resolve));
    });
  }

  /**
   * `inherited` is the highest descriptor that it would inherit otherwise.
   * @throws LaunchError that says what the tools said, if the sandbox cannot be made
   */
  static async prepare(command: readonly string[], inherited?: number): Promise<Sandbox> {
    const child = spawnDetached(command, { cwd: "/", env: {}, inherited });
    if (child.pid === undefined) throw await notSpawned(child);
    try {
      await untilWaiting(child);
      const pid = lastDescendant(child.pid!);
      return new Sandbox(child, pid, openSync(`/proc/${pid}/root/work`, O_PATH | O_DIRECTORY | O_NOFOLLOW));
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Sends a signal to the program; nothing happens when that has ended. */
  signal(name: NodeJS.Signals): void {
    if (this.#isEnded) return;
    try {
      process.kill(this.pid, name);
    } catch (error) {
      // It ended, and this process has not heard of that yet.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }

  /** A path of the folder in memory for whoever measures it. */
  get workPath(): string {
    return `/proc/self/fd/${this.#work}`;
  }

  /** Makes the shell become what start.sh says; `input` is the first that the program reads. */
  begin(input: string): void {
    this.child.stdin!.write(`\n${input}`);
    // Both were paused when it began to wait; whoever reads them is there by now.
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.resume();
  }

  /**
   * A path by which any process of Skiff's user reaches the socket that the program listens on. It is pinned: what the
   * function puts in its place later, such as a link to a socket of the machine, is not reached.
   * @throws Error if there is no socket
   */
  pinSocket(): string {
    if (this.#socket === undefined) {
      const socket = openSync(`${this.workPath}/sock`, O_PATH | O_NOFOLLOW);
      const stat = fstatSync(socket);
      if (!stat.isSocket() || stat.dev !== fstatSync(this.#work).dev) {
        closeSync(socket);
        throw new Error("the instance does not listen on its socket");
      }
      this.#socket = socket;
    }
    return `/proc/${process.pid}/fd/${this.#socket}`;
  }

  /** Ends what is in it; closes the descriptors when that has ended. */
  close(): void {
    this.child.kill("SIGKILL");
    for (const descriptor of [this.#work, this.#socket]) if (descriptor !== undefined) closeSync(descriptor);
    this.#socket = undefined;
  }
}

/** Killed already: it needs the processor to end. */
async function untilGone(pid: number, start: string | undefined): Promise<void> {
  const untilMs = performance.now() + GONE_MS;
  // Without a command line it runs nothing any more, whether or not somebody has taken note of its end.
  const isThere = () => startOf(pid) === start && Boolean(commandLine(pid));
  while (start !== undefined && isThere() && performance.now() < untilMs) await delay(GONE_LOOK_MS);
}

function untilWaiting(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stdout = child.stdout as Readable;
  let said = "";
  let errors = "";
  const timer = setTimeout(
    () => reject(new LaunchError(`the sandbox was not ready within ${PREPARE_MS} ms`)),
    PREPARE_MS,
  );
  const onOutput = (chunk: Buffer) => {
    said += chunk;
    if (said === `${WAITING}\n`) resolve();
  };
  const onError = (chunk: Buffer) => {
    errors = (errors + chunk).slice(-ERROR_CHARACTERS);
  };
  const onFailed = (error: Error) => reject(error);
  const onExit = () => reject(new LaunchError(errors.trim() || "the sandbox ended at once"));
  stdout.on("data", onOutput);
  child.stderr!.on("data", onError);
  child.once("error", onFailed).once("close", onExit);
  return promise.finally(() => {
    clearTimeout(timer);
    stdout.pause().off("data", onOutput);
    child.stderr!.pause().off("data", onError);
    child.off("error", onFailed).off("close", onExit);
    child.on("error", () => {});
  });
}

/** The tools that make the namespaces each have one child, down to the program that is inside. */
export function lastDescendant(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? pid : lastDescendant(Number(children.split(" ")[0]));
}
