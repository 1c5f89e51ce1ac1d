import { constants } from "node:os";
import { type Entry, EntryReader, streamOf } from "../../../client-image/console/marked-entry.ts";
import type { InstanceDescription, LogLine } from "../../platform.ts";
import { formatMs } from "../../quantity.ts";
import { modeOf, placingOf } from "../../settings/runtime.ts";
import type { Settings } from "../../settings/settings.ts";
import { endOf, type Launched, type LaunchedChild } from "../launch/launcher.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";
import { recordPid } from "./instance-folder.ts";
import { readLines } from "./output.ts";
import { probe } from "./probe.ts";
import { signalProcess } from "./process-table.ts";
import { type RunningInstance, StartError } from "./running-instance.ts";

/** Time between leaving the endpoints and SIGTERM: calls already on their way still arrive. */
const SETTLE_MS = 200;
/** Time for a host of programs to answer its calls when memory runs out. */
const ANSWER_MS = 500;
/** Lines kept for the report of a failed start. */
const START_LINES = 20;

export interface InstanceOptions extends Pick<RunningInstance, "version" | "settings" | "expectedMiB"> {
  /** Longest time to become ready. */
  readonly startMs: number;
  readonly onLine: (line: LogLine) => void;
}

/** One program that runs one version, from its start to its end. It owns its folder. */
export class InstanceProcess implements RunningInstance {
  readonly id: string;
  readonly address: { readonly unix: string };
  readonly version: number;
  readonly settings: Settings;
  readonly isForeign: boolean;
  readonly startedAt = new Date();
  readonly startedAtMs = performance.now();
  readonly pid: number;
  readonly ready: Promise<void>;
  readonly exited: Promise<string>;
  readonly ended: Promise<void>;
  readonly resources: InstanceResources;
  readonly expectedMiB: number;
  readyAtMs: number | undefined;
  stopping = false;
  isSpent = false;
  answeredAtMs = 0;
  cause: unknown;
  readonly #launched: Launched;
  readonly #child: LaunchedChild;
  readonly #taken = Promise.withResolvers<void>();
  #hasExited = false;
  #killedBecause: string | undefined;

  constructor(launched: Launched, options: InstanceOptions) {
    const { folder, child, pid } = launched;
    this.#launched = launched;
    this.#child = child;
    this.id = folder.id;
    this.address = { unix: folder.socket };
    this.pid = pid;
    this.resources = launched.resources;
    this.version = options.version;
    this.settings = options.settings;
    this.isForeign = placingOf({ ...this.settings, mode: modeOf(this.settings) }).isForeign ?? false;
    this.expectedMiB = options.expectedMiB;
    this.exited = this.#watchExit();
    this.ended = this.exited.then(async () => {
      const line = { instance: this.id, version: this.version, stream: "platform" } as const;
      for (const text of await launched.close()) options.onLine({ at: new Date(), ...line, text });
    });
    // Without a record the next Skiff could not find the process after a crash.
    this.#ensure("its pid cannot be recorded", () => child.pid && recordPid(folder, child.pid));
    this.ready =
      pid > 0
        ? this.#start(options)
        : this.exited.then((reason) => Promise.reject(new StartError(reason, [], this.cause)));
    // A start may fail without a waiter.
    this.ready.catch(() => {});
  }

  describe(state: InstanceDescription["state"]): InstanceDescription {
    const { id, version, startedAt } = this;
    const memoryMiB = this.resources.measure();
    const memory = memoryMiB === undefined ? {} : { memoryMiB: Math.round(memoryMiB) };
    return { id, version, state, startedAt, ...memory };
  }

  get spent(): Promise<void> {
    return this.#taken.promise;
  }

  get usedMiB(): number | undefined {
    return this.resources.usedMiB;
  }

  ping(): void {
    this.#child.stdin?.write(`${this.#launched.plan.ping}\n`);
  }

  async drain(graceMs: number): Promise<void> {
    this.stopping = true;
    const terminate = setTimeout(() => void this.#terminate(graceMs), this.readyAtMs ? SETTLE_MS : 0);
    const kill = setTimeout(() => this.kill("was stopped: it had not finished in time"), SETTLE_MS + graceMs);
    await this.ended;
    clearTimeout(terminate);
    clearTimeout(kill);
  }

  /** Sends SIGTERM after a probe. The answer means that the instance has accepted all earlier connections. */
  async #terminate(withinMs: number): Promise<void> {
    if (this.readyAtMs !== undefined && withinMs > 0) {
      // A failed probe does not delay its end.
      await probe(this, withinMs).catch(() => {});
    }
    // The tools around the program do not pass signals on.
    if (!this.#hasExited && this.pid > 0) signalProcess(this.pid, "SIGTERM");
  }

  kill(because: string): void {
    this.#killedBecause ??= because;
    this.#child.kill("SIGKILL");
    // A killed process needs the processor to end.
    this.resources.endYielding();
  }

  endOutOfMemory(because: string): void {
    const { outOfMemory } = this.#launched.plan;
    if (outOfMemory === undefined || this.readyAtMs === undefined) {
      this.kill(because);
      return;
    }
    if (this.#killedBecause !== undefined) return;
    this.#killedBecause = because;
    this.#child.stdin?.write(`${outOfMemory}\n`);
    const kill = setTimeout(() => this.kill(because), ANSWER_MS);
    void this.exited.then(() => clearTimeout(kill));
  }

  #becomeSpent(): void {
    this.isSpent = true;
    this.#taken.resolve();
  }

  async #start({ startMs, onLine }: InstanceOptions): Promise<void> {
    const { plan } = this.#launched;
    const { listeningLine, readyLine, pongLine, spentLine, explain = (line: string) => line } = plan;
    const lines: string[] = [];
    const late = `was not ready within ${formatMs(startMs)} (limit SKIFF_START_TIMEOUT)${this.#lateAdvice()}`;
    const deadline = setTimeout(() => this.kill(late), startMs);
    const listening = Promise.withResolvers<void>();
    const loaded = Promise.withResolvers<void>();
    const onEntry = (from: "stdout" | "stderr", entry: Entry) => {
      const { text: raw, ...marks } = entry;
      const stream = streamOf(entry) ?? from;
      const text = explainLines(raw, explain);
      if (text === undefined) return;
      if (this.readyAtMs === undefined) {
        lines.splice(0, Math.max(0, lines.push(...text.split("\n").slice(-START_LINES)) - START_LINES));
      }
      onLine({ at: new Date(), instance: this.id, version: this.version, stream, text, ...marks });
    };
    for (const stream of ["stdout", "stderr"] as const) {
      const entries = new EntryReader((entry) => onEntry(stream, entry));
      readLines(this.#child[stream]!, (line, isCut) => {
        if (line === listeningLine) listening.resolve();
        else if (line === readyLine) loaded.resolve();
        else if (line === pongLine) this.answeredAtMs = performance.now();
        else if (line === spentLine) this.#becomeSpent();
        else entries.read(line, isCut);
      });
      this.#child[stream]!.once("close", () => entries.end());
    }
    const untilExit = async (step: Promise<void>) => {
      const failed = await Promise.race([step, this.exited]);
      if (failed !== undefined) throw new StartError(failed, lines, this.cause);
    };
    try {
      const limit = () => this.resources.limit(this.settings.memoryMiB);
      if (!this.#ensure("its memory cannot be limited", limit)) throw this.cause;
      this.#launched.begin();
      await untilExit(listening.promise);
      this.#launched.expose();
      // Sent while the function loads, which saves a round trip. The answer means that the function has been loaded.
      const probed = probe(this, startMs);
      // An early end breaks the connection. The end is the reason then.
      probed.catch(() => {});
      await untilExit(loaded.promise);
      this.#launched.loaded();
      await probed;
      this.readyAtMs = performance.now();
      this.resources.started();
    } catch (error) {
      // Skiff itself may be short of a resource, such as an open file for the connection.
      if (!(error instanceof StartError)) this.cause ??= error;
      this.kill("did not answer the first health probe");
      if (error instanceof StartError) throw error;
      throw new StartError(await this.exited, lines, this.cause);
    } finally {
      clearTimeout(deadline);
    }
  }

  /** Runs a step without which the program must not run. Kills it and returns false if the step fails. */
  #ensure(problem: string, step: () => unknown): boolean {
    try {
      step();
      return true;
    } catch (error) {
      this.cause = error;
      this.kill(`could not be started: ${problem}: ${(error as Error).message}`);
      return false;
    }
  }

  #lateAdvice(): string {
    if (!this.#isProgram) return ": does its module wait for something that does not come?";
    if (modeOf(this.settings) !== "serve") return "";
    return ": it did not listen on $PORT or $SOCKET. Its program must read one of these variables, and listen there.";
  }

  /** A host of programs runs in it. */
  get #isProgram(): boolean {
    return this.#launched.plan.outOfMemory !== undefined;
  }

  #describeEnd(exitCode: number | null, exitSignal: NodeJS.Signals | null): string {
    const { code, signal } = endOf(exitCode, exitSignal, constants.signals);
    const limit = `${this.settings.memoryMiB} MiB (setting memoryMiB)`;
    if (this.resources.ranOut) return `was stopped: it exceeded its limit of ${limit}`;
    // V8 ends the process with a trap or an abort when the heap is full.
    if (signal === "SIGTRAP" || signal === "SIGABRT" || signal === "SIGILL") {
      return `ended by ${signal}, most likely out of memory: its limit is ${limit}`;
    }
    // Of a program, and of the tools around it, nobody knows whether it exited with such a code itself.
    if (signal && exitSignal === null && this.#isProgram) {
      return `exited with code ${exitCode}, its own or that of ${signal}`;
    }
    if (signal) return `ended by ${signal}`;
    const isEarly = code === 0 && !this.#isProgram && this.readyAtMs === undefined;
    return `exited with code ${code}${isEarly ? " before it was ready: does its module call Deno.exit?" : ""}`;
  }

  #watchExit(): Promise<string> {
    return new Promise((resolve) => {
      const end = (reason: string) => resolve(this.#killedBecause ?? reason);
      this.#child.once("error", (error) => {
        this.cause = error;
        end(`could not be started: ${error.message}`);
      });
      // The rate limit may hold its last output back.
      this.#child.once("exit", () => {
        this.#hasExited = true;
        this.#child.stdout?.resume();
        this.#child.stderr?.resume();
      });
      this.#child.once("close", (code, signal) => end(this.#describeEnd(code, signal)));
    });
  }
}

/** Explains each line of an entry; undefined if no line is left. */
function explainLines(text: string, explain: (line: string) => string | undefined): string | undefined {
  const lines = text.split("\n").map(explain);
  const kept = lines.filter((line) => line !== undefined);
  return kept.length > 0 ? kept.join("\n") : undefined;
}
