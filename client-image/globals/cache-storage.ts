/**
 * The Cache API in the memory of an instance. Deno's own keeps its data in a folder that functions share. Responses
 * count to a limit together; the oldest go first.
 */

/** Memory of all bodies and heads together. */
const MOST_BYTES = 32 * 1024 ** 2;
/** What an entry takes besides its body. */
const HEAD_BYTES = 1024;

interface Entry {
  readonly request: Request;
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly cache: MemoryCache;
}

type Key = RequestInfo | URL;

export class MemoryCacheStorage {
  readonly #caches = new Map<string, MemoryCache>();
  readonly #space = new Space();

  /** The cache that Workers have without opening one. */
  get default(): MemoryCache {
    return this.#open("default");
  }

  async open(name: string): Promise<MemoryCache> {
    return this.#open(String(name));
  }

  async has(name: string): Promise<boolean> {
    return this.#caches.has(String(name));
  }

  async delete(name: string): Promise<boolean> {
    this.#caches.get(String(name))?.clear();
    return this.#caches.delete(String(name));
  }

  async keys(): Promise<string[]> {
    return [...this.#caches.keys()];
  }

  async match(key: Key, options?: MultiCacheQueryOptions): Promise<Response | undefined> {
    for (const [name, cache] of this.#caches) {
      if (options?.cacheName !== undefined && options.cacheName !== name) continue;
      const response = await cache.match(key, options);
      if (response) return response;
    }
    return undefined;
  }

  #open(name: string): MemoryCache {
    let cache = this.#caches.get(name);
    if (!cache) {
      cache = new MemoryCache(this.#space);
      this.#caches.set(name, cache);
    }
    return cache;
  }
}

/** Responses by request. */
class MemoryCache {
  readonly #space: Space;

  constructor(space: Space) {
    this.#space = space;
  }

  async match(key: Key, options?: CacheQueryOptions): Promise<Response | undefined> {
    const [first] = this.#find(key, options);
    return first && responseOf(first);
  }

  async matchAll(key?: Key, options?: CacheQueryOptions): Promise<Response[]> {
    return this.#find(key, options).map(responseOf);
  }

  async keys(key?: Key, options?: CacheQueryOptions): Promise<Request[]> {
    return this.#find(key, options).map(({ request }) => request);
  }

  async add(key: Key): Promise<void> {
    const response = await fetch(key);
    if (!response.ok) throw new TypeError(`The response to cache has status ${response.status}`);
    await this.put(key, response);
  }

  async addAll(keys: readonly Key[]): Promise<void> {
    await Promise.all(keys.map((key) => this.add(key)));
  }

  /** @throws TypeError as the Cache API defines it */
  async put(key: Key, response: Response): Promise<void> {
    const request = requestOf(key);
    if (request.method !== "GET") throw new TypeError("Only responses to GET can be cached");
    if (!/^https?:/.test(request.url)) throw new TypeError("Only http: and https: URLs can be cached");
    if (response.status === 206) throw new TypeError("A partial response (206) cannot be cached");
    if (variesBy(response.headers).includes("*")) {
      throw new TypeError("A response with Vary: * cannot be cached");
    }
    if (response.bodyUsed) throw new TypeError("The body of the response was read already");
    const { status, statusText } = response;
    const headers = [...response.headers];
    const body = response.body === null ? null : new Uint8Array(await response.arrayBuffer());
    for (const entry of this.#find(request)) this.#space.remove(entry);
    this.#space.add({ request, status, statusText, headers, body, cache: this });
  }

  async delete(key: Key, options?: CacheQueryOptions): Promise<boolean> {
    const found = this.#find(key, options);
    for (const entry of found) this.#space.remove(entry);
    return found.length > 0;
  }

  clear(): void {
    for (const entry of this.#find()) this.#space.remove(entry);
  }

  #find(key?: Key, options: CacheQueryOptions = {}): Entry[] {
    const own = this.#space.entries().filter(({ cache }) => cache === this);
    if (key === undefined) return own;
    const request = requestOf(key);
    if (request.method !== "GET" && !options.ignoreMethod) return [];
    return own.filter((entry) => matches(entry, request, options));
  }
}

/** The entries of all caches, oldest first, in bounded memory. */
class Space {
  readonly #entries = new Map<Entry, number>();
  #bytes = 0;

  entries(): Entry[] {
    return [...this.#entries.keys()];
  }

  /** Adds an entry, which is not kept if it alone is over the limit. */
  add(entry: Entry): void {
    const text = entry.headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
    const bytes = HEAD_BYTES + text + entry.request.url.length + (entry.body?.length ?? 0);
    this.#entries.set(entry, bytes);
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= MOST_BYTES) return;
      this.remove(oldest);
    }
  }

  remove(entry: Entry): void {
    this.#bytes -= this.#entries.get(entry) ?? 0;
    this.#entries.delete(entry);
  }
}

function requestOf(key: Key): Request {
  return key instanceof Request ? key : new Request(key);
}

function responseOf({ status, statusText, headers, body }: Entry): Response {
  return new Response(body, { status, statusText, headers: headers.map(([name, value]) => [name, value]) });
}

function matches(entry: Entry, request: Request, options: CacheQueryOptions): boolean {
  if (urlOf(entry.request, options) !== urlOf(request, options)) return false;
  if (options.ignoreVary) return true;
  const names = variesBy(new Headers(entry.headers.map(([name, value]): [string, string] => [name, value])));
  return names.every((name) => entry.request.headers.get(name) === request.headers.get(name));
}

function urlOf({ url }: Request, { ignoreSearch }: CacheQueryOptions): string {
  const parsed = new URL(url);
  parsed.hash = "";
  if (ignoreSearch) parsed.search = "";
  return parsed.href;
}

function variesBy(headers: Headers): string[] {
  const vary = headers.get("vary") ?? "";
  return vary
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter(Boolean);
}
