import type { ChildProcess } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { spawnDetached } from "../../../process/sandbox/spawn.ts";
import { LaunchError, notSpawned } from "../instances/launch-error.ts";
import { commandLine, signalProcess, startOf } from "../instances/process-table.ts";
import { WAITING } from "./profile.ts";

/** Longest time to make a sandbox. */
const PREPARE_MS = 10_000;
/** Longest time for the program inside to end after the tool around it. */
const GONE_MS = 5_000;
const GONE_CHECK_MS = 5;
const ERROR_CHARACTERS = 2_000;
const { O_DIRECTORY, O_NOFOLLOW } = constants;
/** Refers to a file without opening it; Node does not define it. */
const O_PATH = 0o10000000;

/** A sandbox in which a shell waits to become the program of an instance. */
export class Sandbox {
  readonly child: ChildProcess;
  /** The shell, which becomes the instance's program. */
  readonly pid: number;
  isEnded = false;
  /** True once the program has begun. It runs no code of a function before `begin`. */
  runs = false;
  /** Resolves when everything in it has ended. */
  readonly ended: Promise<void>;
  /** Descriptor of the folder in memory, opened before any foreign code ran. */
  readonly #work: number;
  #socket: number | undefined;

  private constructor(child: ChildProcess, pid: number, work: number) {
    this.child = child;
    this.pid = pid;
    this.#work = work;
    const start = startOf(pid);
    this.ended = new Promise((resolve) => {
      child.once("exit", () => {
        this.isEnded = true;
        // Unread output would keep the streams open.
        for (const stream of [child.stdout, child.stderr]) stream?.resume();
      });
      // The program inside may outlive the tool around it, even with closed streams.
      child.once("close", () => void untilGone(pid, start).then(resolve, resolve));
    });
  }

  /**
   * @param inherited the result of `highestInherited`
   * @throws LaunchError with the output of the tools, if the sandbox cannot be made
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

  /** Sends a signal to the program unless it has ended. */
  signal(name: NodeJS.Signals): void {
    if (!this.isEnded) signalProcess(this.pid, name);
  }

  /** Path of the folder in memory for this process. */
  get workPath(): string {
    return `/proc/self/fd/${this.#work}`;
  }

  /** Makes the shell run start.sh, whose program waits for its input. */
  run(): void {
    this.runs = true;
    this.child.stdin!.write("\n");
  }

  /** Gives the program its input, after `run` if it does not run yet. */
  begin(input: string): void {
    this.child.stdin!.write(this.runs ? input : `\n${input}`);
    this.runs = true;
    // Both were paused when the wait began. They have readers now.
    for (const stream of [this.child.stdout, this.child.stderr]) stream?.resume();
  }

  /**
   * Returns a path to the socket of the program, for any process of Skiff's user. The path keeps leading to that socket if
   * the function replaces it, for instance by a link to a socket of the machine.
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

  /** Ends what is in it and closes the descriptors. */
  close(): void {
    this.child.kill("SIGKILL");
    for (const descriptor of [this.#work, this.#socket]) if (descriptor !== undefined) closeSync(descriptor);
    this.#socket = undefined;
  }
}

/** Waits for a killed process. */
async function untilGone(pid: number, start: string | undefined): Promise<void> {
  const untilMs = performance.now() + GONE_MS;
  // A zombie has no command line.
  const isThere = () => startOf(pid) === start && Boolean(commandLine(pid));
  while (start !== undefined && isThere() && performance.now() < untilMs) await delay(GONE_CHECK_MS);
}

function untilWaiting(child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const stdout = child.stdout as Readable;
  let output = "";
  let errors = "";
  const fail = (reason: string) => reject(new LaunchError(reason));
  const timer = setTimeout(() => fail(`the sandbox was not ready within ${PREPARE_MS} ms`), PREPARE_MS);
  const onOutput = (chunk: Buffer) => {
    output += chunk;
    if (output === `${WAITING}\n`) resolve();
  };
  const onError = (chunk: Buffer) => {
    errors = (errors + chunk).slice(-ERROR_CHARACTERS);
  };
  const onFailed = (error: Error) => reject(error);
  const onExit = () => fail(errors.trim() || "the sandbox ended at once");
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

/** Finds the program inside: each of the tools around it has one child. */
export function lastDescendant(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? pid : lastDescendant(Number(children.split(" ")[0]));
}
