import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { pathToFileURL } from "node:url";
import type { StartMessage } from "../../client-image/start-message.ts";
import { denoRunArguments } from "../deno-flags.ts";
import type { Instance, InstanceDescription, LogLine } from "../platform.ts";
import { formatMs } from "../quantity.ts";
import type { Settings } from "../settings.ts";
import { type InstanceFolder, recordPid, removeFolder } from "./instance-folder.ts";
import { readLines } from "./output.ts";
import { probe } from "./probe.ts";
import type { InstanceResources } from "./resources/instance-resources.ts";

/** Time between leaving the endpoints and SIGTERM: calls already on their way still arrive. */
const SETTLE_MS = 200;
/** Lines kept for the report of a failed start. */
const START_LINES = 20;

/** What every instance of this platform needs, whatever it runs. */
export interface Runtime {
  readonly deno: string;
  /** The compiled client-image/runtime.ts. */
  readonly program: string;
  /** Deno's own cache: code of the runtime, never data of a function. */
  readonly denoDir: string;
  /** Addresses of this machine's interfaces now: they change while Skiff runs. */
  readonly ownAddresses: () => readonly string[];
  readonly startMs: number;
}

export interface InstanceOptions {
  readonly name: string;
  readonly version: number;
  readonly settings: Settings;
  /** The bundle's file. */
  readonly bundle: string;
  readonly folder: InstanceFolder;
  /** Measures and limits it; released when its process has ended. */
  readonly resources: InstanceResources;
  readonly onLine: (line: LogLine) => void;
  /** What it is expected to need in memory. */
  readonly expectedMiB: number;
}

/** One Deno process that runs one version; starts when it is made, and owns its folder. */
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
  readonly resources: InstanceResources;
  readonly expectedMiB: number;
  /** By the monotonic clock. */
  readonly startedAtMs = performance.now();
  readonly #child: ChildProcess;
  #answeredAtMs = 0;
  #killedBecause: string | undefined;
  #cause: unknown;

  constructor(runtime: Runtime, options: InstanceOptions) {
    const { folder, settings, version, bundle } = options;
    this.id = folder.id;
    this.address = { unix: folder.socket };
    this.version = version;
    this.settings = settings;
    this.resources = options.resources;
    this.expectedMiB = options.expectedMiB;
    const sandbox = { settings, bundle, scratch: folder.scratch, listen: { unix: folder.socket } };
    const flags = denoRunArguments({ ...sandbox, ownAddresses: runtime.ownAddresses() });
    this.#child = spawn(runtime.deno, [...flags, runtime.program], {
      cwd: folder.scratch,
      env: processEnvironment(runtime, options),
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: Ctrl-C at the terminal is for the platform, which lets calls finish.
      detached: true,
    });
    this.pid = this.#child.pid ?? 0;
    this.exited = this.#watchExit();
    this.ended = this.exited.then(() => this.#release(options));
    this.#recordPid(folder);
    this.ready =
      this.pid > 0
        ? this.#start(options, runtime.startMs)
        : this.exited.then((how) => Promise.reject(new StartError(how, [], this.#cause)));
    // Whoever needs to know awaits it; an instance that nobody waits for any more may fail as well.
    this.ready.catch(() => {});
  }

  /** The error of the system for which it could not be started; undefined if there was none. */
  get cause(): unknown {
    return this.#cause;
  }

  describe(state: InstanceDescription["state"]): InstanceDescription {
    const { id, version, startedAt } = this;
    const memoryMiB = this.resources.measure();
    const memory = memoryMiB === undefined ? {} : { memoryMiB: Math.round(memoryMiB) };
    return { id, version, state, startedAt, ...memory };
  }

  /** Memory that it held when it was measured last; undefined where the system does not say. */
  get usedMiB(): number | undefined {
    return this.resources.usedMiB;
  }

  /** When its event loop answered `ask` last, by the monotonic clock. */
  get answeredAtMs(): number {
    return this.#answeredAtMs;
  }

  /** Asks its event loop for a sign of life, also while it drains and takes no connections any more. */
  ask(): void {
    this.#child.stdin?.write("alive\n");
  }

  /** Lets the calls under way finish, at most for `graceMs`; the instance must be out of the endpoints. */
  async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    const terminate = setTimeout(() => void this.#terminate(graceMs), this.readyAtMs ? SETTLE_MS : 0);
    const kill = setTimeout(() => this.kill("was stopped: it had not finished in time"), SETTLE_MS + graceMs);
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
    this.#child.kill("SIGTERM");
  }

  /** Ends it at once; `because` is what people read about it. */
  kill(because: string): void {
    this.#killedBecause ??= because;
    this.resources.endYielding();
    this.#child.kill("SIGKILL");
  }

  async #start(options: InstanceOptions, startMs: number): Promise<void> {
    const nonce = randomBytes(16).toString("hex");
    const { name, version, bundle, settings, folder } = options;
    const lines: string[] = [];
    const late = `was not ready within ${formatMs(startMs)} (limit SKIFF_START_TIMEOUT): does its module wait for something that does not come?`;
    const deadline = setTimeout(() => this.kill(late), startMs);
    const isReady = new Promise<void>((resolve) => {
      for (const stream of ["stdout", "stderr"] as const) {
        readLines(this.#child[stream]!, (text) => {
          if (text === `${nonce} ready`) return resolve();
          if (text === `${nonce} alive`) {
            this.#answeredAtMs = performance.now();
            return;
          }
          if (this.readyAtMs === undefined) lines.splice(0, Math.max(0, lines.push(text) - START_LINES));
          options.onLine({ at: new Date(), instance: this.id, stream, text });
        });
      }
    });
    const message: StartMessage = {
      nonce,
      bundle: pathToFileURL(bundle).href,
      listen: { unix: folder.socket },
      function: { name, version },
      env: ["TMPDIR", ...Object.keys(settings.env)],
    };
    // EPIPE when it ended already: `exited` tells that.
    this.#child.stdin!.on("error", () => {});
    try {
      await this.#count();
      this.#child.stdin!.write(`${JSON.stringify(message)}\n`);
      const failed = await Promise.race([isReady, this.exited]);
      if (failed !== undefined) throw new StartError(failed, lines, this.#cause);
      await probe(folder.socket, startMs);
      this.readyAtMs = performance.now();
    } catch (error) {
      this.kill("did not answer the first health probe");
      if (error instanceof StartError) throw error;
      throw new StartError(await this.exited, lines, this.#cause);
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Nothing of the function runs before all that it holds is counted. */
  async #count(): Promise<void> {
    try {
      this.resources.limit(this.settings.memoryMiB);
      await this.resources.join({ pid: this.pid, memoryFolders: [] });
    } catch (error) {
      this.#cause = error;
      this.kill(`could not be started: its memory cannot be limited: ${(error as Error).message}`);
      throw error;
    }
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
    // V8 ends the process with a trap or an abort when the heap is full.
    if (this.resources.ranOut) {
      return `was stopped: it went over its limit of ${this.settings.memoryMiB} MiB (setting memoryMiB)`;
    }
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
      this.#child.once("error", (error) => {
        this.#cause = error;
        end(`could not be started: ${error.message}`);
      });
      // What it printed last may wait behind the limit on its output, which has no reason any more.
      this.#child.once("exit", () => {
        this.#child.stdout?.resume();
        this.#child.stderr?.resume();
      });
      this.#child.once("close", (code, signal) => end(this.#describeEnd(code, signal)));
    });
  }

  /** A process that a Skiff after a crash would not find must not run. */
  #recordPid(folder: InstanceFolder): void {
    if (this.pid === 0) return;
    try {
      recordPid(folder, this.pid);
    } catch (error) {
      this.#cause = error;
      this.kill(`could not be started: its pid cannot be recorded: ${(error as Error).message}`);
    }
  }

  async #release({ folder, resources, onLine }: InstanceOptions): Promise<void> {
    for (const left of [await removeFolder(folder), await resources.release()]) {
      if (left) onLine({ at: new Date(), instance: this.id, stream: "platform", text: left });
    }
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

function processEnvironment(runtime: Runtime, { settings, folder }: InstanceOptions): Record<string, string> {
  return {
    NO_COLOR: "1",
    ...settings.env,
    TMPDIR: folder.scratch,
    DENO_DIR: runtime.denoDir,
    DENO_NO_UPDATE_CHECK: "1",
    // Deno hands out the GPU without a permission, and loads native code for it.
    DENO_WEBGPU_BACKEND: "none",
    // Deno does not see that ::ffff:10.0.0.1, which a name may resolve to, is 10.0.0.1, and takes no IPv6
    // ranges: so names are resolved to IPv4 addresses only (glibc 2.36 and newer).
    RES_OPTIONS: "no-aaaa",
  };
}
