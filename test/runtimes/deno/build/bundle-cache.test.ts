import assert from "node:assert/strict";
import type { Source } from "../../../../platform/platform.ts";
import { type BundleCacheOptions, cacheBundles } from "../../../../runtimes/deno/build/bundle-cache.ts";
import type { Builder } from "../../../../runtimes/runtime.ts";

const source = (text: string): Source => ({ bytes: new TextEncoder().encode(text), type: "text/typescript" });

/** A builder whose bundles tell how many builds there were. */
function counting(options?: BundleCacheOptions) {
  const builds: string[] = [];
  const builder: Builder = {
    folderBytes: 1_000,
    unpack: async () => ({ files: new Map() }),
    recognize: (bytes) => ({ bytes, type: "text/typescript" }),
    async build({ bytes }) {
      const text = new TextDecoder().decode(bytes);
      builds.push(text);
      if (text === "broken") throw new Error("broken");
      return { artifact: { kind: "module", code: Buffer.from(`${text} ${builds.length}`) } };
    },
    becomesModule: () => true,
    adviseStart: async () => undefined,
    prepare: async () => {},
    warm: async () => {},
    close: async () => {},
  };
  return { builds, cached: cacheBundles(builder, options) };
}

describe("the cache of bundles", () => {
  it("gives the bundle of an equal source again", async () => {
    const { cached, builds } = counting();
    const first = await cached.build(source("a"));
    assert.equal((await cached.build(source("a"))).artifact, first.artifact);
    assert.deepEqual(builds, ["a"]);
  });

  it("builds again for another entry", async () => {
    const { cached, builds } = counting();
    for (const options of [{}, { entry: "" }, { entry: "x.ts" }, { formerEntry: "x.ts" }]) {
      await cached.build(source("a"), options);
      await cached.build(source("a"), options);
    }
    assert.equal(builds.length, 4);
  });

  it("tells sources apart by their bytes and their type", async () => {
    const { cached, builds } = counting();
    await cached.build(source("a"));
    await cached.build(source("b"));
    await cached.build({ ...source("a"), type: "application/zip" });
    assert.deepEqual(builds, ["a", "b", "a"]);
  });

  it("does not keep a failure", async () => {
    const { cached, builds } = counting();
    await assert.rejects(cached.build(source("broken")));
    await assert.rejects(cached.build(source("broken")));
    assert.equal(builds.length, 2);
  });

  it("drops the bundle that was used longest ago when they are too large together", async () => {
    const { cached, builds } = counting({ mostBytes: 7 });
    await cached.build(source("a"));
    await cached.build(source("b"));
    await cached.build(source("a"));
    await cached.build(source("c"));
    await cached.build(source("a"));
    await cached.build(source("b"));
    assert.deepEqual(builds, ["a", "b", "c", "b"]);
  });
});
