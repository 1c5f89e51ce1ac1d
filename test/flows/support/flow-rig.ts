import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine, type EngineOptions } from "../../../flows/engine/engine.ts";
import type { FlowsOptions } from "../../../flows/services.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { Entry } from "../../../platform/flows/run/entry.ts";
import type { RunState } from "../../../platform/flows/run/error.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { Append, RunRecord, Runs } from "../../../store/flows/runs.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { FlowStore } from "../../../store/store.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

export interface Received {
  /** `NAME` or `NAME@VERSION`; empty for other paths. */
  readonly name: string;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answers a call of a function: with a value as JSON, or by itself. */
export type Answering = (received: Received, response: ServerResponse) => unknown;

export interface FlowRigOptions {
  readonly limits?: Partial<Limits>;
  readonly env?: FlowsOptions["env"];
  readonly isShared?: boolean;
}

/** Engines on a real SQLite store, in front of a server that stands for the router and the manager. */
export class FlowRig {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-flows-"));
  readonly lines: string[] = [];
  readonly received: Received[] = [];
  readonly changes = storeChanges();
  readonly platform = new FakePlatform();
  readonly sqlite = new SqliteStore({
    file: join(this.folder, "history.db"),
    print: (line) => this.lines.push(line),
  });
  readonly store: FlowStore;
  /** Functions by name. */
  readonly functions = new Map<string, Answering>();
  /** Names of methods of the store of runs that fail as if it were away. */
  readonly away = new Set<string>();
  /** Comes before each append. */
  onAppend: ((append: Append) => Promise<void>) | undefined;
  readonly #options: FlowRigOptions;
  readonly #server: Server;
  readonly #engines: Engine[] = [];

  constructor(options: FlowRigOptions = {}) {
    this.#options = options;
    const { sqlite, away } = this;
    const append: Runs["append"] = async (given) => {
      await this.onAppend?.(given);
      return sqlite.runs.append(given);
    };
    const runs: Runs = new Proxy(sqlite.runs, {
      get(target, name) {
        if (away.has(String(name))) return () => Promise.reject(storeUnavailable("it is stopped"));
        if (name === "append") return append;
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const { calls, topics, timers, bodies } = sqlite;
    this.store = announcing({ calls, topics, timers, bodies, runs }, this.changes);
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Starts an engine; several are those of several programs. */
  async start(more: Partial<EngineOptions> = {}): Promise<Engine> {
    const { env = {}, limits = {}, isShared = false } = this.#options;
    const engine = await Engine.open({
      ...{ store: this.store, changes: this.changes, platform: this.platform, keys: new KeyTable() },
      ...{ access: { mode: "loopback" }, limits: { ...limitsFromEnv({}), ...limits }, env, isShared },
      ...{ router: () => this.url, callerKey: "sk_kinternals_text", now: Date.now, random: Math.random },
      identity: "rig",
      print: (line) => this.lines.push(line),
      ...more,
    });
    this.#engines.push(engine);
    return engine;
  }

  async put(name: string, source: string): Promise<void> {
    await this.platform.declarations.put(FLOW_KIND, name, { spec: { source } });
  }

  /** Begins a run through the engine, as intake does, or through the store alone. */
  async begin(engine: Engine, name: string, input: unknown = {}): Promise<string> {
    const flow = await engine.table.find(name);
    const trigger = { kind: "api", by: "token" } as const;
    const run = engine.newRuns.newRun(flow, { trigger, input: await engine.values.keep(input), by: "token" });
    await engine.begin(run);
    return run.id;
  }

  /** Resolves with the run once it is in that state. */
  async run(id: string, state: RunState): Promise<RunRecord> {
    let run: RunRecord | undefined;
    const isThere = async () => {
      run = await this.sqlite.runs.get(id);
      return run?.state === state;
    };
    await eventually(`the run is ${state}`, isThere).catch(async (error: Error) => {
      const entries = (await this.sqlite.runs.entries(id, 1, 1_000)).map((entry) => JSON.stringify(entry));
      const all = [error.message, `it is ${JSON.stringify(run)}`, ...entries, ...this.lines];
      throw new Error(all.join("\n"));
    });
    return run!;
  }

  /** The output of a run once it is done. */
  async output(id: string): Promise<unknown> {
    await this.run(id, "done");
    const last = (await this.entries(id)).at(-1)!;
    if (last.kind !== "ended" || last.state !== "done")
      throw new Error(`it ended with ${JSON.stringify(last)}`);
    return "json" in last.output ? last.output.json : last.output;
  }

  entries(id: string): Promise<readonly Entry[]> {
    return this.sqlite.runs.entries(id, 0, 100_000);
  }

  /** Names of the functions that were called, in order. */
  calls(): string[] {
    return this.received.map(({ name }) => name);
  }

  async close(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.close({ drainMs: 0 })));
    this.#server.closeAllConnections();
    this.#server.close();
    await this.sqlite.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { method = "", url = "", headers } = request;
    const name = /^\/fn\/([^/?]+)/.exec(url)?.[1] ?? "";
    const received = { name, method, url, headers, body: Buffer.concat(parts).toString() };
    this.received.push(received);
    const answering = this.functions.get(name.split("@")[0]!) ?? this.functions.get(url.split("?")[0]!);
    if (answering === undefined) return refuse(response, 404, "unknown_function");
    const answer = await answering(received, response);
    if (response.writableEnded || answer === response) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answer ?? null));
  }
}

/** Answers like the router with a problem of a call that no instance has got. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  const headers = { "x-skiff-error": "platform", "x-skiff-unforwarded": "true" };
  response.writeHead(status, headers).end(JSON.stringify({ status, code, detail: `It is ${code}.` }));
}
