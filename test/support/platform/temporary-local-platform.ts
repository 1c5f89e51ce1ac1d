import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Limits, limitsFromEnv } from "../../../platform/limits.ts";
import { LocalPlatform, type LocalPlatformOptions } from "../../../platform/local/local-platform.ts";
import type { Draft, Instance, LogLine } from "../../../platform/platform.ts";
import type { Settings } from "../../../platform/settings/settings.ts";
import { eventually } from "../eventually.ts";
import { publish, servingOf } from "./deploying.ts";
import { draftOf } from "./draft.ts";

export interface TemporaryOptions
  extends Pick<LocalPlatformOptions, "isolation" | "walls" | "walledNetwork"> {
  readonly limits?: Partial<Limits>;
  readonly watchTimes?: NonNullable<LocalPlatformOptions["watchTimes"]>;
  /** False measures memory only. */
  readonly useGroups?: boolean;
  readonly kinds?: NonNullable<LocalPlatformOptions["kinds"]>;
  /** A fixed key by default. */
  readonly secretsKey?: NonNullable<LocalPlatformOptions["secretsKey"]>;
  /** A folder that belongs to the test; otherwise one is made, and removed by `close`. */
  readonly dataFolder?: string;
}

/** A LocalPlatform in a folder of its own, with what tests ask of it. */
export class TemporaryLocalPlatform {
  readonly dataFolder: string;
  readonly lines: readonly LogLine[];
  readonly platform: LocalPlatform;
  readonly #ownsFolder: boolean;
  #functions = 0;

  private constructor(
    platform: LocalPlatform,
    place: { dataFolder: string; ownsFolder: boolean },
    lines: LogLine[],
  ) {
    this.platform = platform;
    this.dataFolder = place.dataFolder;
    this.#ownsFolder = place.ownsFolder;
    this.lines = lines;
  }

  static async open(options: TemporaryOptions = {}): Promise<TemporaryLocalPlatform> {
    const { limits = {}, watchTimes = {}, dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-")) } = options;
    const { useGroups = true, kinds = {}, isolation = "auto", walledNetwork = false, walls } = options;
    const lines: LogLine[] = [];
    const platform = await LocalPlatform.open({
      dataFolder,
      limits: { ...limitsFromEnv({}), ...limits },
      watchTimes,
      ...{ useGroups, kinds, isolation, walledNetwork },
      ...(walls && { walls }),
      secretsKey: options.secretsKey ?? { key: new Uint8Array(32).fill(7) },
      onLine: (_, line) => lines.push(line),
    });
    const ownsFolder = options.dataFolder === undefined;
    return new TemporaryLocalPlatform(platform, { dataFolder, ownsFolder }, lines);
  }

  /** Publishes and returns the one instance that is ready then. */
  async publish(draft: Draft): Promise<Instance> {
    await publish(this.platform, draft);
    return this.instance(draft.name);
  }

  /** The first ready instance of a function. */
  instance(name: string): Instance {
    const instance = servingOf(this.platform, name)?.instances[0];
    if (!instance) throw new Error(`${name} has no ready instance`);
    return instance;
  }

  /** An instance of a new function with this code. */
  run(code: string, settings: Partial<Settings> = {}): Promise<Instance> {
    return this.publish(draftOf(`f${++this.#functions}`, code, settings));
  }

  get log(): string {
    return this.lines.map(({ text }) => text).join("\n");
  }

  /** Waits until something is in the log. */
  async logged(part: string): Promise<void> {
    await eventually(`the log has "${part}"`, () => this.log.includes(part)).catch((error: Error) => {
      throw new Error(`${error.message}; it has:\n${this.log}`);
    });
  }

  async close(): Promise<void> {
    await this.platform.close({ drainMs: 200 });
    if (this.#ownsFolder) rmSync(this.dataFolder, { recursive: true, force: true });
  }
}
