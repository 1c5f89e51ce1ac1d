import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Intake } from "../../../events/intake/intake.ts";
import type { EventServices } from "../../../events/services.ts";
import type { Access } from "../../../http/access/access.ts";
import { discardBody } from "../../../http/discard-body.ts";
import { parseTrustedProxies } from "../../../http/trusted-proxies.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { Endpoints } from "../../../platform/platform.ts";
import type { Problem } from "../../../platform/problems.ts";
import type { StoredBody } from "../../../store/bodies.ts";
import type { NewCall } from "../../../store/call.ts";
import type { Calls, Enqueued, EnqueueOptions } from "../../../store/calls.ts";
import { seededRandom } from "../../support/seeded-random.ts";

export const NOW = Date.UTC(2026, 10, 29, 12);

const ENDPOINTS: readonly Endpoints[] = (["hello", "locked", "hidden"] as const).map((name) => ({
  name,
  traffic: [{ version: 2, weight: 1 }],
  versions: [1, 2].map((version) => ({
    version,
    max: 1,
    concurrency: 1,
    timeoutMs: 1_000,
    memoryMiB: 128,
    instances: [],
  })),
  ...(name === "hello" ? {} : { access: name === "locked" ? ("key" as const) : ("internal" as const) }),
  ...(name === "locked" ? { retry: { attempts: 9 } } : {}),
}));

/** A server below /async that records what it stores. */
export interface StartedIntake {
  readonly url: string;
  readonly calls: NewCall[];
  /** Bodies that did not fit into a row, by id. */
  readonly bodies: Map<string, Buffer>;
  /** What broke off bodies that were being stored. */
  readonly broken: unknown[];
  /** Bodies that are being stored. */
  writing: number;
  readonly keys: KeyTable;
  readonly usedKeys: string[];
  readonly printed: string[];
  /** What the next enqueue does instead of storing the call. */
  outcome: Enqueued | Problem | undefined;
  /** Calls of every queue that have not ended. */
  live: number;
  send(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

/** @param kept stores the calls; they are recorded by default */
export async function startIntake(
  env: Readonly<Record<string, string>> = {},
  access: Access = { mode: "loopback" },
  kept?: Pick<Calls, "enqueue" | "live">,
): Promise<StartedIntake> {
  const calls: NewCall[] = [];
  const bodies = new Map<string, Buffer>();
  const broken: unknown[] = [];
  const keys = new KeyTable();
  const printed: string[] = [];
  const usedKeys: string[] = [];
  const store = {
    calls: kept ?? {
      live: () => Promise.resolve(started.live),
      async enqueue([call]: readonly NewCall[], options: EnqueueOptions): Promise<readonly Enqueued[]> {
        const { outcome } = started;
        started.outcome = undefined;
        if (outcome instanceof Error) throw outcome;
        if (outcome !== undefined) return [outcome];
        if (options.now !== NOW || options.mostLive !== 100_000) throw new Error("wrong options");
        calls.push(call!);
        return [{ id: call!.id, isNew: true }];
      },
    },
    bodies: {
      async write(parts: AsyncIterable<Uint8Array>): Promise<StoredBody> {
        const kept: Uint8Array[] = [];
        started.writing++;
        try {
          for await (const part of parts) kept.push(part);
        } catch (error) {
          broken.push(error);
          throw error;
        } finally {
          started.writing--;
        }
        const id = String(bodies.size);
        bodies.set(id, Buffer.concat(kept));
        return { id, bytes: bodies.get(id)!.length };
      },
      async remove(body: StoredBody): Promise<void> {
        if ("id" in body) bodies.delete(body.id);
      },
    },
  };
  const intake = new Intake({
    store,
    keys,
    access,
    env,
    platform: { endpoints: (name: string) => ENDPOINTS.find((each) => each.name === name) },
    limits: limitsFromEnv({ SKIFF_MAX_BODY: "1Mi", SKIFF_MAX_ATTEMPTS: "3", ...env }),
    proxies: parseTrustedProxies(env.SKIFF_TRUST_PROXY),
    print: (line: string) => void printed.push(line),
    keyUsed: (id: string) => void usedKeys.push(id),
    now: () => NOW,
    random: seededRandom(1),
  } as unknown as EventServices);
  const server = createServer((request, response) => {
    response.once("close", () => discardBody(request));
    void intake.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const started: StartedIntake = {
    ...{ url, calls, bodies, broken, keys, usedKeys, printed, outcome: undefined, live: 0, writing: 0 },
    send: (path, init) => fetch(`${url}${path}`, init),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return started;
}
