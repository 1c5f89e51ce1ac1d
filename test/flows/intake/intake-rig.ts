import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlowTable } from "../../../flows/engine/flow-table.ts";
import { InputChecks } from "../../../flows/engine/input-checks.ts";
import { NewRuns } from "../../../flows/engine/new-runs.ts";
import { Values } from "../../../flows/engine/values.ts";
import { createIntake } from "../../../flows/intake/intake.ts";
import type { FlowsIntake } from "../../../flows/services.ts";
import type { Access } from "../../../http/access/access.ts";
import { discardBody } from "../../../http/discard-body.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import type { Begun, Entry, KeptValue } from "../../../platform/flows/run/entry.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { RunRecord } from "../../../store/flows/runs.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

export const CALLER_KEY = "sk_kinternals_secret";
const OWNER = "test/engine";

export interface RigOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly access?: Access;
  readonly isShared?: boolean;
}

/** The intake of flows on a real store. The test itself is the engine. */
export class IntakeRig {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-flow-intake-"));
  readonly lines: string[] = [];
  readonly changes = storeChanges();
  readonly platform = new FakePlatform();
  readonly keys = new KeyTable();
  readonly usedKeys: string[] = [];
  readonly sqlite: SqliteStore;
  readonly #server: Server;
  #table: FlowTable | undefined;
  #part: FlowsIntake | undefined;
  #sequences = new Map<string, number>();

  constructor() {
    this.sqlite = new SqliteStore({
      file: join(this.folder, "history.db"),
      print: (line) => this.lines.push(line),
    });
    this.#server = createServer((request, response) => {
      response.once("close", () => discardBody(request));
      this.#part!.handler(request, response);
    });
  }

  /** @param flows texts by name */
  async start(flows: Readonly<Record<string, string>>, options: RigOptions = {}): Promise<void> {
    const { env = {}, access = { mode: "loopback" }, isShared = false } = options;
    const { sqlite, changes, platform, keys } = this;
    const limits = limitsFromEnv(env);
    const { declarations } = platform;
    for (const [name, source] of Object.entries(flows))
      await declarations.put(FLOW_KIND, name, { spec: { source } });
    const store = announcing(sqlite, changes);
    const print = (line: string) => void this.lines.push(line);
    const [now, random] = [Date.now, Math.random];
    const table = new FlowTable({ declarations, versions: sqlite.runs.versions, limits, now, print });
    await table.open();
    this.#table = table;
    await sqlite.runs.beat(OWNER, now());
    this.#part = await createIntake({
      ...{ store, changes, platform, keys, access, limits, isShared, env, print, now, random, table },
      ...{ router: () => "", callerKey: CALLER_KEY, identity: "test" },
      inputChecks: new InputChecks(),
      newRuns: new NewRuns({ platform, now, random }),
      values: new Values({ bodies: store.bodies, mostBytes: limits.flowOutputBytes }),
      begin: async (run) => {
        const [created] = await store.runs.create([run], { now: now(), mostLive: limits.liveRuns });
        return created!;
      },
      keyUsed: (id) => void this.usedKeys.push(id),
    });
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  send(path: string, init: RequestInit & { readonly json?: unknown } = {}): Promise<Response> {
    const { json, ...rest } = init;
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    const headers = {
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...rest.headers,
    };
    return fetch(`${this.url}${path}`, { method: "POST", ...rest, ...body, headers });
  }

  /** The runs that wait for an engine, once there are so many. They belong to this one then. */
  async claimed(count = 1): Promise<readonly RunRecord[]> {
    const found: RunRecord[] = [];
    await eventually(`${count} runs wait`, async () => {
      const { runs } = await this.sqlite.runs.claim({ owner: OWNER, now: Date.now(), limit: 100 });
      found.push(...runs);
      return found.length >= count;
    });
    return found;
  }

  async begunOf(run: string): Promise<Begun> {
    const [begun] = await this.sqlite.runs.entries(run, 0, 1);
    return begun as Begun;
  }

  async inputOf(run: string): Promise<KeptValue> {
    return (await this.begunOf(run)).input;
  }

  /** Stores entries of a run, as an engine does. */
  async append(run: string, ...entries: readonly Entry[]): Promise<void> {
    const after = this.#sequences.get(run) ?? 1;
    this.#sequences.set(run, after + entries.length);
    const last = entries.at(-1)!;
    const ended = last.kind === "ended" ? { state: last.state, endedAt: last.at } : undefined;
    const append = {
      run,
      owner: OWNER,
      after,
      entries,
      row: ended ?? { state: "running" },
      now: Date.now(),
    } as const;
    const stored = await announcing(this.sqlite, this.changes).runs.append(append);
    if (stored !== "stored") throw new Error(`The append to the run ${run} was lost.`);
  }

  async closePart(): Promise<void> {
    await this.#part?.close();
  }

  async stop(): Promise<void> {
    await this.closePart();
    this.#table?.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await this.sqlite.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
