import { Engine } from "../../../flows/engine/engine.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { announcing, storeChanges } from "../../../store/changes.ts";
import type { FlowStore } from "../../../store/store.ts";
import type { FakePlatform } from "../../support/platform/fake-platform.ts";
import type { CalledFunctions } from "./called-functions.ts";
import { CrashPoint, mortal } from "./crash-point.ts";

export interface MortalProgramOptions {
  readonly store: FlowStore;
  readonly platform: FakePlatform;
  readonly functions: CalledFunctions;
  readonly isShared: boolean;
  /** A program takes over at once what one of the same identity has. "program" by default. */
  readonly identity?: string;
  readonly print: (line: string) => void;
}

export interface Stop {
  /** See CrashPoint. */
  readonly at: number;
  /** Whether there is a moment before and after each call too. By default a call goes on while the program is stopped. */
  readonly stopsCalls?: boolean;
}

/** A program with an engine of flows that stops at a given moment. */
export class MortalProgram {
  readonly point: CrashPoint;
  readonly #engine: Engine;
  readonly #router: { close(): void };

  private constructor(engine: Engine, router: { close(): void }, point: CrashPoint) {
    this.#engine = engine;
    this.#router = router;
    this.point = point;
  }

  static async start(options: MortalProgramOptions, stop?: Stop): Promise<MortalProgram> {
    const point = new CrashPoint(stop?.at ?? Number.POSITIVE_INFINITY);
    const { functions, platform, isShared, identity = "program", print } = options;
    const router = await functions.routerOf(stop?.stopsCalls ? point : { pass: () => true });
    const changes = storeChanges();
    const { runs, calls, topics, timers, bodies } = options.store;
    const store = announcing(mortal({ runs, calls, topics, timers, bodies }, point), changes);
    const engine = await Engine.open({
      ...{ store, changes, platform, isShared, print, keys: new KeyTable(), access: { mode: "loopback" } },
      ...{ limits: limitsFromEnv({}), env: {}, router: () => router.url, callerKey: "sk_kinternals_text" },
      ...{ identity, now: Date.now, random: Math.random },
    });
    return new MortalProgram(engine, router, point);
  }

  /** Begins a run as a client does: once for a key. Does not resolve while the program is stopped. */
  async begin(name: string, input: unknown, key: string): Promise<string> {
    const engine = this.#engine;
    const flow = await engine.table.find(name);
    const idempotency = { scope: `flow/${name}`, key, fingerprint: "f" };
    const trigger = { kind: "api", by: "token" } as const;
    const kept = await engine.values.keep(input);
    const run = engine.newRuns.newRun(flow, { trigger, input: kept, by: "token", idempotency });
    const outcome = await engine.begin(run);
    if (!("id" in outcome)) throw new Error(`the run was refused: ${outcome.refused}`);
    return outcome.id;
  }

  async close(): Promise<void> {
    this.#router.close();
    this.point.bury();
    await this.#engine.close({ drainMs: 0 });
  }
}
