import type { Api } from "../api/api.ts";
import { Unreachable } from "../api/http.ts";
import { type Deployed, deploy } from "../source/deploy.ts";
import { type LocalSource, readSource } from "../source/read-source.ts";
import { SourceWatch } from "./source-watch.ts";

export interface DevEvents {
  /** @param ms from the change to the answer, after which calls get the new version */
  readonly deployed: (deployed: Deployed, ms: number) => void;
  /** The source does not build or start. The version before goes on. */
  readonly failed: (error: unknown) => void;
}

export interface DevOptions {
  /** Absolute path of the module or folder. */
  readonly path: string;
  readonly cwd: string;
  readonly name: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Returns the Skiff to deploy to, and starts one if none answers. */
  readonly api: () => Promise<Api>;
  readonly events: DevEvents;
}

/** Deploys a source, and again whenever it changes. A change during a deploy ends that deploy. */
export class DevLoop {
  readonly #options: DevOptions;
  readonly #watch = new SourceWatch(() => this.#change());
  readonly #closing = new AbortController();
  #api: Api | undefined;
  /** The source that was deployed last, or is being deployed. */
  #target: Uint8Array | undefined;
  /** Ends the deploy under way. */
  #current = new AbortController();
  #deploying: Promise<void> = Promise.resolve();
  #changedAtMs = performance.now();
  #wake: (() => void) | undefined;

  constructor(options: DevOptions) {
    this.#options = options;
  }

  /** Runs until `close`. */
  async run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const change = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await this.#turn();
      await change;
    }
    await this.#deploying;
  }

  close(): void {
    this.#closing.abort();
    this.#current.abort();
    this.#watch.close();
    this.#wake?.();
  }

  #change(): void {
    this.#changedAtMs = performance.now();
    this.#wake?.();
  }

  async #turn(): Promise<void> {
    const { path, cwd, fields, events } = this.#options;
    const changedAtMs = this.#changedAtMs;
    try {
      const source = await readSource(path, { cwd, fields });
      if (this.#closing.signal.aborted) return;
      this.#watch.set(source.folders);
      // Something else in a folder has changed.
      if (this.#target !== undefined && Buffer.compare(this.#target, source.bytes) === 0) return;
      this.#target = source.bytes;
      this.#current.abort();
      await this.#deploying;
      this.#deploying = this.#replace(source, changedAtMs);
    } catch (error) {
      events.failed(error);
    }
  }

  async #replace(source: LocalSource, changedAtMs: number): Promise<void> {
    const { events } = this.#options;
    this.#current = new AbortController();
    const { signal } = this.#current;
    try {
      const deployed = await this.#deploy(source, signal);
      events.deployed(deployed, performance.now() - changedAtMs);
    } catch (error) {
      if (!signal.aborted) events.failed(error);
    }
  }

  async #deploy(source: LocalSource, signal: AbortSignal): Promise<Deployed> {
    const { name, fields, api } = this.#options;
    const order = { name, source, fields, signal };
    this.#api ??= await api();
    try {
      return await deploy(this.#api, order);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    // It was stopped meanwhile.
    this.#api = await api();
    return deploy(this.#api, order);
  }
}
