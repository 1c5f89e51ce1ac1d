import type { ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { constants } from "node:os";
import { pathToFileURL } from "node:url";
import type { StartMessage } from "../../client-image/start-message.ts";
import type { Instance, InstanceDescription, LogLine } from "../platform.ts";
import { formatMs } from "../quantity.ts";
import type { Settings } from "../settings.ts";
import { recordPid, removeFolder } from "./instance-folder.ts";
import { endOf, type Launched } from "./launch/launcher.ts";
import { readLines } from "./output.ts";
import { probe } from "./probe.ts";
import { anonymousMemoryMiB } from "./process-table.ts";

/** Time between leaving the endpoints and SIGTERM: calls already on their way still arrive. */
const SETTLE_MS = 200;
/** Lines kept for the report of a failed start. */
const START_LINES = 20;

export interface InstanceOptions {
  readonly name: string;
  readonly version: number;
  readonly settings: Settings;
  /** Time that it may take to be ready. */
  readonly startMs: number;
  readonly onLine: (line: LogLine) => void;
}

/** One program that runs one version, from its start to its end; it owns the folder. */
export class InstanceProcess implements Instance {
  readonly id: string;
  readonly address: { readonly unix: string };
  readonly version: number;
  readonly settings: Settings;
  readonly startedAt = new Date();
  readonly pid: number;
  /** Resolves when a probe was answered; rejects with the last lines when it ends before that. */
  readonly ready: Promise<void>;
  /** Resolves with a person's words for how it ended, as soon as its process has. */
  readonly exited: Promise<string>;
  /** Resolves when nothing of it is left. */
  readonly ended: Promise<void>;
  /** By the monotonic clock. */
  readyAtMs: number | undefined;
  /** Set when the platform ends it, so that its end is no crash. */
  stopping = false;
  readonly #launched: Launched;
  readonly #child: ChildProcess;
  #hasExited = false;
  #killedBecause: string | undefined;
  #cause: unknown;

  constructor(launched: Launched, options: InstanceOptions) {
    const { folder, child, pid } = launched;
    this.id = folder.id;
    this.address = { unix: folder.socket };
    this.version = options.version;
    this.settings = options.settings;
    this.#launched = launched;
    this.#child = child;
    this.pid = pid;
    this.exited = this.#watchExit();
    this.ended = this.exited.then(() => this.#removeFolder(options));
    this.#recordPid();
    this.ready = pid > 0 ? this.#start(options) : this.exited.then((how) => fail(how));
    // Whoever needs to know awaits it; an instance that nobody waits for any more may fail as well.
    this.ready.catch(() => {});
  }

  /** Folder in memory that counts as the instance's. */
  get memoryFolder(): string | undefined {
    return this.#launched.memoryFolder;
  }

  /** The error of the system for which it could not be started; undefined if there was none. */
  get cause(): unknown {
    return this.#cause;
  }

  describe(state: InstanceDescription["state"]): InstanceDescription {
    const { id, version, startedAt, pid } = this;
    const memoryMiB = anonymousMemoryMiB(pid);
    const memory = memoryMiB === undefined ? {} : { memoryMiB: Math.round(memoryMiB) };
    return { id, version, state, startedAt, ...memory };
  }

  /** Lets the calls under way finish, at most for `graceMs`; the instance must be out of the endpoints. */
  async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    const terminate = setTimeout(() => void this.#terminate(graceMs), this.readyAtMs ? SETTLE_MS : 0);
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), SETTLE_MS + graceMs);
    await this.ended;
    clearTimeout(terminate);
    clearTimeout(kill);
  }

  /**
   * Connections are accepted in the order in which they came: an instance that answers a probe has those that came
   * before, however busy the machine is.
   */
  async #terminate(withinMs: number): Promise<void> {
    if (this.readyAtMs !== undefined && withinMs > 0) {
      // Whatever kept it from answering, its end is not put off by it.
      await probe(this.address.unix, withinMs).catch(() => {});
    }
    // What stands around the program does not pass signals on.
    if (!this.#hasExited && this.pid > 0) signalIfThere(this.pid, "SIGTERM");
  }

  /** Ends it at once; `because` is what people read about it. */
  kill(because: string): void {
    this.#killedBecause ??= because;
    this.#child.kill("SIGKILL");
  }

  async #start(options: InstanceOptions): Promise<void> {
    const nonce = randomBytes(16).toString("hex");
    const { name, version, settings, startMs } = options;
    const { bundle, socket, scratch } = this.#launched.inside;
    const lines: string[] = [];
    const late = `was not ready within ${formatMs(startMs)} (limit SKIFF_START_TIMEOUT): does its module wait for something that does not come?`;
    const deadline = setTimeout(() => this.kill(late), startMs);
    const isReady = new Promise<void>((resolve) => {
      for (const stream of ["stdout", "stderr"] as const) {
        readLines(this.#child[stream]!, (text) => {
          if (text === `${nonce} ready`) return resolve();
          if (this.readyAtMs === undefined) lines.splice(0, Math.max(0, lines.push(text) - START_LINES));
          options.onLine({ at: new Date(), instance: this.id, stream, text });
        });
      }
    });
    const message: StartMessage = {
      nonce,
      bundle: pathToFileURL(bundle).href,
      listen: { unix: socket },
      function: { name, version },
      env: [...(scratch === undefined ? [] : ["TMPDIR"]), ...Object.keys(settings.env)],
    };
    this.#launched.begin(`${JSON.stringify(message)}\n`);
    try {
      const failed = await Promise.race([isReady, this.exited]);
      if (failed !== undefined) throw new StartError(failed, lines, this.#cause);
      this.#launched.expose();
      await probe(this.address.unix, startMs);
      this.readyAtMs = performance.now();
    } catch (error) {
      this.kill("did not answer the first health probe");
      if (error instanceof StartError) throw error;
      fail(await this.exited, lines);
    } finally {
      clearTimeout(deadline);
    }
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
    // V8 ends the process with a trap or an abort when the heap is full.
    if (signal === "SIGTRAP" || signal === "SIGABRT" || signal === "SIGILL") {
      return `ended by ${signal}, most likely out of memory: its limit is ${this.settings.memoryMiB} MiB (setting memoryMiB)`;
    }
    if (signal) return `ended by ${signal}`;
    const early =
      code === 0 && this.readyAtMs === undefined
        ? " before it was ready: does its module call Deno.exit?"
        : "";
    return `exited with code ${code}${early}`;
  }

  #watchExit(): Promise<string> {
    return new Promise((resolve) => {
      const end = (how: string) => resolve(this.#killedBecause ?? how);
      this.#child.once("error", (error) => end(`could not be started: ${error.message}`));
      // What it printed last may wait behind the limit on its output, which has no reason any more.
      this.#child.once("exit", () => {
        this.#hasExited = true;
        this.#child.stdout?.resume();
        this.#child.stderr?.resume();
      });
      this.#child.once("close", (code, signal) => {
        const how = endOf(code, signal, constants.signals);
        end(this.#describeEnd(how.code, how.signal));
      });
    });
  }

  /** A process that a Skiff after a crash would not find must not run. */
  #recordPid(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      recordPid(this.#launched.folder, pid);
    } catch (error) {
      this.#cause = error;
      this.kill(`could not be started: its pid cannot be recorded: ${(error as Error).message}`);
    }
  }

  async #removeFolder({ onLine }: InstanceOptions): Promise<void> {
    this.#launched.close();
    const left = await removeFolder(this.#launched.folder);
    if (left) onLine({ at: new Date(), instance: this.id, stream: "platform", text: left });
  }
}

/** An instance ended before it was ready. */
export class StartError extends Error {
  readonly log: readonly string[];

  constructor(how: string, log: readonly string[], cause?: unknown) {
    super(how, { cause });
    this.name = "StartError";
    this.log = log;
  }
}

function fail(how: string, log: readonly string[] = []): never {
  throw new StartError(how, log);
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended in between.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
