import { LRUCache } from "lru-cache";
import { sourceHash } from "../../../platform/version-hash.ts";
import type { Builder, Built } from "../../runtime.ts";

export interface BundleCacheOptions {
  /** Size of the bundles kept, in bytes; 64 MiB by default. */
  readonly mostBytes?: number;
  /** Time for which a bundle is reused; 10 minutes by default. */
  readonly ttlMs?: number;
}

/**
 * Wraps a builder so that an equal source with an equal entry gets the same bundle without a second build, under another name or after a
 * change back. Bundles expire, because what `npm:hono@4` resolves to changes.
 */
export function cacheBundles(builder: Builder, options: BundleCacheOptions = {}): Builder {
  const { mostBytes = 64 * 1024 ** 2, ttlMs = 600_000 } = options;
  const cache = new LRUCache<string, Built>({
    maxSize: mostBytes,
    ttl: ttlMs,
    sizeCalculation: ({ artifact }) => Math.max(1, artifact.code.length),
  });
  return {
    folderBytes: builder.folderBytes,
    recognize: (bytes, options) => builder.recognize(bytes, options),
    unpack: (source, signal) => builder.unpack(source, signal),
    becomesModule: (source, runtime) => builder.becomesModule(source, runtime),
    async build(source, options = {}) {
      const { signal: _, ...orders } = options;
      const key = JSON.stringify([await sourceHash(source), orders]);
      const known = cache.get(key);
      if (known) return known;
      const built = await builder.build(source, options);
      cache.set(key, built);
      return built;
    },
    adviseStart: (artifact, log, signal) => builder.adviseStart(artifact, log, signal),
    prepare: () => builder.prepare(),
    warm: () => builder.warm(),
    close: () => builder.close(),
  };
}
