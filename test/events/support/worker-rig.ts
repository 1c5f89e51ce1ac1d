import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "../../../events/delivery/worker.ts";
import type { DeliveryHooks } from "../../../events/services.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import type { CallRecord, CallState, NewCall } from "../../../store/call.ts";
import type { LeaseRequest } from "../../../store/calls.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import type { EventStore } from "../../../store/store.ts";
import { storeUnavailable } from "../../../store/unavailable.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";
import { newCall } from "./leased-call.ts";
import { MemoryBodies } from "./memory-bodies.ts";

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answering = (received: Received, response: ServerResponse) => void;

export interface RigOptions {
  readonly limits?: Partial<Limits>;
  readonly env?: Readonly<Record<string, string>>;
  readonly hooks?: readonly DeliveryHooks[];
  readonly isShared?: boolean;
}

export const RIG_KEY = "sk_kinternals_text";

/** A worker on a real SQLite store, in front of a server that stands for the router. */
export class WorkerRig {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-worker-"));
  readonly lines: string[] = [];
  readonly received: Received[] = [];
  readonly changes = storeChanges();
  readonly bodies = new MemoryBodies();
  readonly platform = new FakePlatform();
  readonly sqlite = new SqliteStore({
    file: join(this.folder, "history.db"),
    print: (line) => this.lines.push(line),
  });
  readonly store: EventStore;
  /** How the server answers; 200 by default. */
  answer: Answering = (_, response) => void response.end("done");
  /** Names of methods of the store of calls that fail as if it were away. */
  readonly away = new Set<string>();
  /** Time from the request to its lease, in milliseconds. */
  leaseMs = 0;
  /** Time from a lease to its answer, in milliseconds. */
  answerMs = 0;
  readonly #options: RigOptions;
  readonly #server: Server;
  #port = 0;
  #workers: Worker[] = [];

  constructor(options: RigOptions = {}) {
    this.#options = options;
    const { bodies, sqlite, away } = this;
    const calls = new Proxy(sqlite.calls, {
      get: (target, name) => {
        if (name === "lease" && this.leaseMs > 0) {
          return (request: LeaseRequest) =>
            pause(this.leaseMs).then(() => target.lease({ ...request, now: Date.now() }));
        }
        if (name === "lease" && this.answerMs > 0) {
          return async (request: LeaseRequest) => {
            const leased = await target.lease(request);
            await pause(this.answerMs);
            return leased;
          };
        }
        if (away.has(String(name))) return () => Promise.reject(storeUnavailable("it is stopped"));
        const member: unknown = Reflect.get(target, name);
        return typeof member === "function" ? member.bind(target) : member;
      },
    });
    const { topics, timers } = sqlite;
    this.store = announcing({ calls, topics, timers, bodies }, this.changes);
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stopListening(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Starts a worker; several are those of several programs. */
  start(): Worker {
    const { env = {}, limits = {}, hooks = [], isShared = false } = this.#options;
    const worker = new Worker({
      ...{ store: this.store, changes: this.changes, platform: this.platform, keys: new KeyTable() },
      ...{ access: { mode: "loopback" }, limits: { ...limitsFromEnv({}), ...limits }, env, hooks, isShared },
      ...{ router: () => this.url, callerKey: RIG_KEY, now: Date.now, random: Math.random },
      print: (line) => this.lines.push(line),
    });
    this.#workers.push(worker);
    return worker;
  }

  async enqueue(...given: readonly Partial<NewCall>[]): Promise<string[]> {
    const now = Date.now();
    const calls = given.map((members) => newCall({ acceptedAt: now, dueAt: now, ...members }));
    const outcomes = await this.store.calls.enqueue(calls, { now, mostLive: 1_000 });
    return outcomes.map((outcome) => ("id" in outcome ? outcome.id : outcome.refused));
  }

  /** Resolves with the record once it is in that state. */
  async record(id: string, state: CallState): Promise<CallRecord> {
    let record: CallRecord | undefined;
    const isThere = async () => {
      record = await this.sqlite.calls.get(id);
      return record?.state === state;
    };
    await eventually(`the call is ${state}`, isThere).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${JSON.stringify(record)}\n${this.lines.join("\n")}`);
    });
    return record!;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
    if (this.#server.listening) await this.stopListening();
    await this.sqlite.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { method = "", url = "", headers } = request;
    const received = { method, url, headers, body: Buffer.concat(parts) };
    this.received.push(received);
    this.answer(received, response);
  }
}

/** Answers like the router with a problem. */
export function refuse(response: ServerResponse, status: number, code: string, retryAfterS = 1): void {
  const headers = {
    "x-skiff-error": "platform",
    "x-skiff-unforwarded": "true",
    "retry-after": String(retryAfterS),
  };
  response.writeHead(status, headers).end(JSON.stringify({ status, code, detail: `It is ${code}.` }));
}
