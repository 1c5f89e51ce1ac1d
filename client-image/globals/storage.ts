import { MemoryCacheStorage } from "./cache-storage.ts";

/**
 * Replaces the storage that Deno keeps by main module, which all functions share. Caches are in memory; libraries find
 * no `localStorage`. The platform denies Deno's folder as well.
 */
export function replaceStorage(): void {
  Reflect.deleteProperty(globalThis, "localStorage");
  let caches: MemoryCacheStorage | undefined;
  Object.defineProperty(globalThis, "caches", {
    get: () => (caches ??= new MemoryCacheStorage()),
    configurable: true,
    enumerable: true,
  });
}
