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
  readonly print: (line: string) => void;
}

/** A program with an engine of flows that dies at a given moment. */
export class MortalProgram {
  /** Resolves when it dies. */
  readonly death: Promise<void>;
  readonly #engine: Engine;
  readonly #router: { close(): void };
  readonly #point: CrashPoint;

  private constructor(
    engine: Engine,
    router: { close(): void },
    life: { point: CrashPoint; death: Promise<void> },
  ) {
    this.#engine = engine;
    this.#router = router;
    this.#point = life.point;
    this.death = life.death;
  }

  /** @param at see CrashPoint */
  static async start(options: MortalProgramOptions, at: number): Promise<MortalProgram> {
    const { promise: death, resolve } = Promise.withResolvers<void>();
    const point = new CrashPoint(at, resolve);
    const { functions, platform, isShared, print } = options;
    const router = await functions.routerOf(point);
    const changes = storeChanges();
    const { runs, calls, topics, timers, bodies } = options.store;
    const store = announcing(mortal({ runs, calls, topics, timers, bodies }, point), changes);
    const engine = await Engine.open({
      ...{ store, changes, platform, isShared, print, keys: new KeyTable(), access: { mode: "loopback" } },
      ...{ limits: limitsFromEnv({}), env: {}, router: () => router.url, callerKey: "sk_kinternals_text" },
      ...{ identity: "program", now: Date.now, random: Math.random },
    });
    return new MortalProgram(engine, router, { point, death });
  }

  get isDead(): boolean {
    return this.#point.isDead;
  }

  /** Begins a run as a client does: once for a key. Does not resolve if the program dies before its answer. */
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
    if (this.isDead) this.#point.bury();
    await this.#engine.close({ drainMs: 0 });
  }
}
