import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFromEnv } from "../../platform/limits.ts";
import { LocalPlatform } from "../../platform/local/local-platform.ts";
import type { IsolationMode } from "../../platform/local/wall/isolation.ts";
import { INSIDE, type WallKind } from "../../platform/local/wall/profile.ts";
import { lastDescendant } from "../../platform/local/wall/sandbox.ts";
import { applySettings, defaultSettings, type SettingsPatch } from "../../platform/settings/settings.ts";
import { publish, servingOf } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";

const CALL_MS = 8_000;
const LIMITS = limitsFromEnv({ SKIFF_START_TIMEOUT: "10s" });

/** Something that a function tries: the body of an async function of `given`, run inside the sandbox. */
export interface Attempt {
  /** A sentence after "it". */
  readonly title: string;
  readonly code: string;
  /** What the outcome must be: `Name: message` of what was thrown, or `returned JSON`. */
  readonly expect: RegExp;
  /** The outcome where it is another one. */
  readonly elsewhere?: Readonly<Partial<Record<Situation, RegExp>>>;
}

/**
 * What holds the function: the kernel's wall; one in which links are followed (`plain`); Deno's permission flags alone;
 * these without a folder to write to (`bare`); a pod.
 */
export type Situation = "wall" | "plain" | "permissions" | "bare" | "pod";

export function expectedIn(situation: Situation, { expect, elsewhere }: Attempt): RegExp {
  return elsewhere?.[situation] ?? expect;
}

/** Deno's own answer to what a permission does not cover. */
export const NOT_CAPABLE = /^NotCapable: /;
/** The same inside of another error: of fetch, of import, of a worker. */
export const REFUSED = /Requires (net|read|write|import|run) access to/;
/** The API is not there at all. */
export const ABSENT = /is not a (function|constructor)$|is not defined$/;

/** One test per attempt. */
export function itIsRefused(attempts: readonly Attempt[], run: (title: string) => Promise<string>): void {
  for (const { title, expect } of attempts) {
    it(title, async () => assert.match(await run(title), expect));
  }
}

/** A real platform in a temporary folder, with functions made of attempts. */
export class Stage {
  readonly platform: LocalPlatform;
  readonly dataFolder: string;
  readonly lines: readonly string[];
  #deployed = 0;

  private constructor(platform: LocalPlatform, dataFolder: string, lines: string[]) {
    this.platform = platform;
    this.dataFolder = dataFolder;
    this.lines = lines;
  }

  static async open(
    isolation: IsolationMode = "auto",
    walls?: readonly WallKind[],
    walledNetwork = false,
  ): Promise<Stage> {
    const dataFolder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-sandbox-")));
    const lines: string[] = [];
    const platform = await LocalPlatform.open({
      dataFolder,
      limits: LIMITS,
      isolation,
      ...(walls && { walls }),
      walledNetwork,
      onLine: (name, { stream, text }) => lines.push(`${name} ${stream} ${text}`),
    });
    return new Stage(platform, dataFolder, lines);
  }

  /** Deploys attempts as one function; `top` is code at the top of its module. */
  async deploy(name: string, attempts: readonly Attempt[], { top = "", ...patch }: DeployOptions = {}) {
    return this.publish(name, moduleOf(attempts, top), patch);
  }

  async publish(name: string, code: string, patch: SettingsPatch = {}): Promise<Deployed> {
    const settings = applySettings(defaultSettings(LIMITS), patch, LIMITS);
    await publish(this.platform, draftOf(name, `${code}\n// ${++this.#deployed}`, settings));
    const address = servingOf(this.platform, name)?.instances[0]?.address;
    if (!address || !("unix" in address)) throw new Error(`${name} has no instance on a Unix socket`);
    return new Deployed(address.unix);
  }

  async close(): Promise<void> {
    await this.platform.close({ drainMs: 0 });
    rmSync(this.dataFolder, { recursive: true, force: true });
  }
}

export type DeployOptions = SettingsPatch & { readonly top?: string };

/** One running function. */
export class Deployed {
  readonly socket: string;

  constructor(socket: string) {
    this.socket = socket;
  }

  /** True if the kernel's wall is around it: routers reach its socket by a link then. */
  get isWalled(): boolean {
    return lstatSync(this.socket).isSymbolicLink();
  }

  /** The scratch folder of its instance, as it sees that. */
  get scratch(): string {
    return this.isWalled ? INSIDE.scratch : join(this.socket, "..", "scratch");
  }

  /** The same, as this process sees it. */
  get outerScratch(): string {
    return this.isWalled ? `/proc/${this.pid}/root${INSIDE.scratch}` : this.scratch;
  }

  /** The number that its process has for this one. */
  get pid(): number {
    const { pid } = JSON.parse(readFileSync(join(this.socket, "..", "pid"), "utf8")) as { pid: number };
    return this.isWalled ? lastDescendant(pid) : pid;
  }

  /** Runs one attempt and tells its outcome in the words of `Attempt.expect`. */
  run(title: string, given: Readonly<Record<string, unknown>> = {}, withinMs = CALL_MS): Promise<string> {
    const body = JSON.stringify({ title, given });
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(withinMs);
      const call = request({ socketPath: this.socket, method: "POST", signal, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve(text)).on("error", reject);
      });
      call.on("error", reject).end(body);
    });
  }
}

/** What every attempt can use besides `given`. */
const PRELUDE = `
  const state = (name, rest) => Deno.permissions.querySync({ name, ...rest }).state;
  const net = (host) => state("net", { host });
  /** Settles with the first of the events that a target emits. */
  const outcome = (target, good, bad = "error") => new Promise((resolve, reject) => {
    const on = (target.on ?? target.addEventListener).bind(target);
    on(good, () => resolve(good));
    const failed = (error) => reject(error.error ?? (error.message === undefined ? new Error(bad) : error));
    on(bad, failed);
    // Some of Node's servers throw what they ought to emit.
    addEventListener("error", failed, { once: true });
  });
  /** Runs code in a worker and gives what it posts. */
  const inWorker = async (code, options = {}) => {
    const url = "data:text/javascript," + encodeURIComponent(code);
    const worker = new Worker(url, { type: "module", ...options });
    try {
      return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => { event.preventDefault(); reject(new Error(event.message)); };
      });
    } finally {
      worker.terminate();
    }
  };
  const named = (error) => error.name + ": " + error.message + (error.cause ? " < " + named(error.cause) : "");
`;

/** The module of a function that runs the attempt which a call names in its body. */
export function moduleOf(attempts: readonly Attempt[], top: string): string {
  const entries = attempts.map(({ title, code }) => `${JSON.stringify(title)}: async (given) => {${code}\n}`);
  return `${PRELUDE}
  ${top}
  const attempts = {${entries.join(",\n")}};
  export default async (request) => {
    const { title, given } = await request.json();
    try {
      return new Response("returned " + (JSON.stringify(await attempts[title](given)) ?? "undefined"));
    } catch (error) {
      return new Response(named(error));
    }
  };`;
}
