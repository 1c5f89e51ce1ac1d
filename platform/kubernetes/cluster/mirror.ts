import type { KubeApi } from "./api.ts";
import { ApiError } from "./api-error.ts";
import type { Place, Resource } from "./resources.ts";

export interface MirrorTimes {
  /** The server ends every watch after this time. */
  readonly watchS: number;
  /** A watch without an event for this time is broken: the server sends a bookmark every minute. */
  readonly silenceMs: number;
  /** First and longest pause before a retry. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const MIRROR_TIMES: MirrorTimes = {
  watchS: 290,
  silenceMs: 150_000,
  firstPauseMs: 100,
  // Deploys go on within five seconds after the API server is back.
  longestPauseMs: 1_500,
};

export interface MirrorOptions<T> {
  readonly api: KubeApi;
  readonly place: Place;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
  /** An object was added, changed, or deleted (undefined). `key` is its name. */
  readonly onChange?: (key: string, object: T | undefined) => void;
  /** Receives the reason of a failure, once until the watch recovers. */
  readonly onTrouble?: ((reason: string) => void) | undefined;
  readonly times?: MirrorTimes | undefined;
}

/**
 * A copy of the objects of one kind, kept up to date by a watch. A watch that ends is started again. After 410, silence or
 * a restart of the server the objects are listed again. While the API server is unreachable the copy stays unchanged.
 */
export class Mirror<T extends Resource> {
  readonly #options: MirrorOptions<T>;
  readonly #times: MirrorTimes;
  readonly #objects = new Map<string, T>();
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #synced = Promise.withResolvers<void>();
  #trouble: string | undefined;
  #isSynced = false;
  #lists = 0;

  constructor(options: MirrorOptions<T>) {
    this.#options = options;
    this.#times = options.times ?? MIRROR_TIMES;
    this.#running = this.#run();
  }

  /** Resolves after the first list. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** Reason why the copy may be out of date; undefined while the watch runs. */
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
        // A server that ends watches at once must not be called in a tight loop.
        pauseMs = version === before && version !== undefined ? this.#times.firstPauseMs : 0;
      } catch (error) {
        if (signal.aborted) return;
        // Events may be lost with a broken connection: list again.
        if (!(error instanceof ApiError) || error.status === 410) version = undefined;
        this.#report((error as Error).message);
        pauseMs = Math.min(this.#times.longestPauseMs, Math.max(this.#times.firstPauseMs, 2 * pauseMs));
      }
      if (pauseMs > 0) await delay(pauseMs, signal);
    }
  }

  async #list(): Promise<string> {
    const { api, place, labelSelector, metadataOnly = false } = this.#options;
    const options = { signal: this.#closing.signal, metadataOnly };
    const { items, resourceVersion } = await api.list<T>(place, labelSelector, options);
    this.#lists++;
    const gone = new Set(this.#objects.keys());
    for (const item of items) {
      gone.delete(item.metadata.name);
      this.#set(item);
    }
    for (const key of gone) this.#remove(key);
    this.#isSynced = true;
    this.#trouble = undefined;
    this.#synced.resolve();
    return resourceVersion;
  }

  /** Returns the resourceVersion to watch from next; undefined if the objects must be listed again. */
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
          const status = object as unknown as { code?: number; message?: string };
          const { code = 500, message = "watch error" } = status;
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
      this.#report(`the watch was silent for ${this.#times.silenceMs / 1_000} s`);
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
    this.#options.onChange?.(name, object);
  }

  #remove(key: string): void {
    if (this.#objects.delete(key)) this.#options.onChange?.(key, undefined);
  }

  #report(reason: string): void {
    if (this.#trouble === undefined)
      this.#options.onTrouble?.(`${this.#options.place.kind.plural}: ${reason}`);
    this.#trouble = reason;
  }
}

/** Resolves after `ms`, or when the signal aborts. */
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
