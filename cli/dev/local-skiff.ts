import { type ChildProcess, spawn } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Api } from "../api/api.ts";
import { Unreachable } from "../api/http.ts";
import type { Surroundings } from "../task.ts";

const START_MS = 30_000;
const PROBE_MS = 2_000;
const PORT = 8080;
/** A start that hangs holds up the deploy of the change after it. */
const HANGING_START = "10s";
/** Lines of a Skiff that does not start. */
const KEPT_LINES = 20;

/** A call in the access log. */
export interface CallLine {
  readonly time: string;
  readonly method: string;
  readonly path: string;
  readonly function: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface LocalSkiffOptions {
  readonly surroundings: Surroundings;
  /** Where to look for a Skiff that runs already. */
  readonly url: string;
  readonly onCall: (call: CallLine) => void;
}

/** The Skiff of `skiff dev`: the one that answers on this machine, else one that this process starts and stops. */
export class LocalSkiff {
  readonly #options: LocalSkiffOptions;
  #child: ChildProcess | undefined;
  #own: Api | undefined;

  constructor(options: LocalSkiffOptions) {
    this.#options = options;
  }

  /** Whether this process started it. */
  get isOwn(): boolean {
    return this.#own !== undefined;
  }

  /** Returns its API. @throws Error if it does not start, ApiProblem if the one that answers needs a key */
  async api(): Promise<Api> {
    if (this.#own !== undefined && this.#isRunning) return this.#own;
    const { url, surroundings } = this.#options;
    const found = new Api({
      url,
      ...(surroundings.env.SKIFF_KEY ? { key: surroundings.env.SKIFF_KEY } : {}),
    });
    try {
      const { functions } = await found.json<{ functions?: unknown }>("/func", {
        query: { limit: 1 },
        signal: AbortSignal.timeout(PROBE_MS),
      });
      if (functions !== undefined) return found;
    } catch (error) {
      if (error instanceof Unreachable) return this.#start(PORT);
      // Skiff needs a key. Any other server is left alone.
      if ((error as { code?: string }).code !== undefined) throw error;
    }
    return this.#start(0);
  }

  /** Stops the Skiff that this process started. */
  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isRunning) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
    await promise;
  }

  get #isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  async #start(port: number): Promise<Api> {
    const { surroundings, onCall } = this.#options;
    const { env, host } = surroundings;
    const data = join(env.XDG_DATA_HOME || join(env.HOME || homedir(), ".local/share"), "skiff", "dev");
    const child = spawn(process.execPath, [host.program, "--port", String(port), "--data", data], {
      // It ends with this process, and takes Ctrl-C, which a terminal sends to both, for one signal.
      env: {
        SKIFF_START_TIMEOUT: HANGING_START,
        ...env,
        SKIFF_ACCESS_LOG: "stdout",
        skiff_launcher: String(process.pid),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    const lines: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const keep = (line: string) => {
      lines.splice(0, lines.length - KEPT_LINES + 1);
      lines.push(line);
    };
    createInterface({ input: child.stderr }).on("line", keep);
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("{")) return onCall(JSON.parse(line) as CallLine);
      keep(line);
      const [, url] = /listens on (http:\S+)/.exec(line) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once("exit", (code, signal) => {
      reject(new Error(`The local Skiff ended with ${code ?? signal}:\n${lines.join("\n")}`));
    });
    const timer = setTimeout(
      () => reject(new Error(`The local Skiff does not start:\n${lines.join("\n")}`)),
      START_MS,
    );
    this.#own = new Api({ url: await promise.finally(() => clearTimeout(timer)) });
    return this.#own;
  }
}
