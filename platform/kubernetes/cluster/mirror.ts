import type { KubeApi } from "./api.ts";
import { ApiError } from "./api-error.ts";
import type { Place, Resource } from "./resources.ts";

export interface MirrorTimes {
  /** The server ends every watch after this time, so that no watch gets old. */
  readonly watchS: number;
  /** A watch from which nothing came for this time, not even a bookmark (one a minute), is taken for broken. */
  readonly silenceMs: number;
  /** First and longest pause before the next try after a failure. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const MIRROR_TIMES: MirrorTimes = {
  watchS: 290,
  silenceMs: 150_000,
  firstPauseMs: 100,
  longestPauseMs: 5_000,
};

export interface MirrorOptions<T> {
  readonly api: KubeApi;
  readonly place: Place;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
  /** An object came, changed, or went (undefined). `key` is its name. */
  readonly onChange: (key: string, object: T | undefined) => void;
  /** Why the mirror is behind at the moment; told once per failure. */
  readonly onTrouble?: (reason: string) => void;
  readonly times?: MirrorTimes;
}

/**
 * A copy of the objects of one kind, kept up to date by a watch. Every end of a watch, expected or not, leads to
 * the next one; what was missed (410, silence, restart of the server) is listed again. While the API server is
 * away the copy stays as it was.
 */
export class Mirror<T extends Resource> {
  /** Resolves when everything was listed once. */
  readonly synced: Promise<void>;
  readonly #options: MirrorOptions<T>;
  readonly #times: MirrorTimes;
  readonly #objects = new Map<string, T>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #markSynced: () => void = () => {};
  #trouble: string | undefined;
  #isSynced = false;
  /** How often everything was listed, and why the last time. */
  #lists = 0;

  constructor(options: MirrorOptions<T>) {
    this.#options = options;
    this.#times = options.times ?? MIRROR_TIMES;
    this.synced = new Promise((resolve) => {
      this.#markSynced = resolve;
    });
    this.#running = this.#run();
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Why the copy may be old; undefined while the watch runs. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get lists(): number {
    return this.#lists;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let version: string | undefined;
    let pauseMs = 0;
    while (!signal.aborted) {
      try {
        version ??= await this.#list();
        const before = version;
        version = await this.#watch(version);
        // A server that ends watches at once without a word must not be asked in a tight loop.
        pauseMs = version === before && version !== undefined ? this.#times.firstPauseMs : 0;
      } catch (error) {
        if (signal.aborted) return;
        // What a broken connection may have swallowed is found by listing anew.
        if (!(error instanceof ApiError) || error.status === 410) version = undefined;
        this.#complain((error as Error).message);
        pauseMs = Math.min(this.#times.longestPauseMs, Math.max(this.#times.firstPauseMs, 2 * pauseMs));
      }
      if (pauseMs > 0) await delay(pauseMs, signal);
    }
  }

  async #list(): Promise<string> {
    const { api, place, labelSelector, metadataOnly = false } = this.#options;
    const { items, resourceVersion } = await api.list<T>(place, labelSelector, {
      signal: this.#closing.signal,
      metadataOnly,
    });
    this.#lists++;
    const gone = new Set(this.#objects.keys());
    for (const item of items) {
      gone.delete(item.metadata.name);
      this.#set(item);
    }
    for (const key of gone) this.#remove(key);
    this.#isSynced = true;
    this.#trouble = undefined;
    this.#markSynced();
    return resourceVersion;
  }

  /** Where to go on from; undefined if everything must be listed again. */
  async #watch(from: string): Promise<string | undefined> {
    const { api, place, labelSelector, metadataOnly } = this.#options;
    const silence = new AbortController();
    const signal = AbortSignal.any([this.#closing.signal, silence.signal]);
    const alarm = setTimeout(() => silence.abort(), this.#times.silenceMs);
    let resourceVersion = from;
    try {
      const selector = labelSelector === undefined ? {} : { labelSelector };
      const request = { resourceVersion, timeoutS: this.#times.watchS, signal, metadataOnly, ...selector };
      for await (const { type, object } of api.watch<T>(place, request)) {
        alarm.refresh();
        if (type === "ERROR") {
          const { code = 500, message = "watch error" } = object as unknown as {
            code?: number;
            message?: string;
          };
          throw new ApiError(code, "WatchError", message);
        }
        this.#trouble = undefined;
        resourceVersion = object.metadata.resourceVersion ?? resourceVersion;
        if (type === "DELETED") this.#remove(object.metadata.name);
        else if (type !== "BOOKMARK") this.#set(object);
      }
      return resourceVersion;
    } catch (error) {
      if (!silence.signal.aborted) throw error;
      this.#complain(`nothing came from the watch for ${this.#times.silenceMs / 1_000} s`);
      return undefined;
    } finally {
      clearTimeout(alarm);
    }
  }

  #set(object: T): void {
    const { name, resourceVersion } = object.metadata;
    const known = this.#objects.get(name)?.metadata;
    if (known?.resourceVersion === resourceVersion && known?.uid === object.metadata.uid) return;
    this.#objects.set(name, object);
    this.#options.onChange(name, object);
  }

  #remove(key: string): void {
    if (this.#objects.delete(key)) this.#options.onChange(key, undefined);
  }

  #complain(reason: string): void {
    if (this.#trouble === undefined)
      this.#options.onTrouble?.(`${this.#options.place.kind.plural}: ${reason}`);
    this.#trouble = reason;
  }
}

/** A pause that ends early, without an error, when the signal is aborted. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
