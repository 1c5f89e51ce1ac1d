import type { Platform } from "../../platform/platform.ts";
import type { UsageLedger, UsageSample } from "../../store/store.ts";

const EVERY_MS = 15_000;

type Measured = ReadonlyMap<string, number>;

export interface SamplerOptions {
  readonly platform: Pick<Platform, "allEndpoints">;
  readonly ledger: Pick<UsageLedger, "sample">;
  /** Returns the memory of instances by their id, in MiB, where it is measured. */
  readonly memory?: (() => Measured | Promise<Measured | undefined>) | undefined;
  /** Prints one line on the terminal. */
  readonly print: (line: string) => void;
  readonly everyMs?: number;
}

/** Records four times a minute how many instances each function has, and their memory. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #timer: NodeJS.Timeout;
  /** Functions with instances in the last sample: the next one shows that they have none. */
  #running: ReadonlySet<string> = new Set();
  #writing: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#writing = this.#sample();
    }, options.everyMs ?? EVERY_MS);
    this.#timer.unref();
  }

  /** Waits for the sample under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
  }

  async #sample(): Promise<void> {
    const { ledger, print, memory } = this.#options;
    const at = new Date();
    const samples = this.#take(at, await memory?.());
    if (samples.length === 0) return;
    try {
      await ledger.sample(samples);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) print(`samples of instances cannot be stored: ${(error as Error).message}`);
      this.#isFailing = true;
    }
  }

  #take(at: Date, memories: Measured | undefined): readonly UsageSample[] {
    const { platform } = this.#options;
    const samples: UsageSample[] = [];
    for (const { name, versions } of platform.allEndpoints()) {
      const ids = versions.flatMap(({ instances }) => instances.map(({ id }) => id));
      if (ids.length === 0 && !this.#running.has(name)) continue;
      // A cluster measures an instance some seconds after its start.
      const isMeasured = memories && (ids.length === 0 || ids.some((id) => memories.has(id)));
      const used = isMeasured ? ids.reduce((sum, id) => sum + (memories.get(id) ?? 0), 0) : undefined;
      samples.push({
        ...{ at, function: name, instances: ids.length },
        ...(used === undefined ? {} : { memoryMiB: Math.round(used) }),
      });
    }
    this.#running = new Set(samples.flatMap((each) => (each.instances > 0 ? [each.function] : [])));
    return samples;
  }
}
