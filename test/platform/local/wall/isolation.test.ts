import assert from "node:assert/strict";
import { denoPath } from "../../../../platform/deno-binary.ts";
import {
  chooseIsolation,
  hasWalledNetwork,
  type IsolationOptions,
  isolationMode,
} from "../../../../platform/local/wall/isolation.ts";
import type { WallKind } from "../../../../platform/local/wall/profile.ts";

describe("the isolation of functions", () => {
  const options = (mode: IsolationOptions["mode"], works: (kind: WallKind) => boolean): IsolationOptions => ({
    mode,
    deno: denoPath(),
    runtime: "/runtime.mjs",
    attempt: async ({ kind }) => {
      if (!works(kind)) throw new Error(`the kernel refuses ${kind}`);
    },
  });

  it("is the first wall that works, which is found out by trying", async function () {
    if (process.platform !== "linux") this.skip();
    const { wall, hasScratch, description } = await chooseIsolation(
      options("auto", (kind) => kind === "unshare"),
    );
    assert.equal(wall?.kind, "unshare");
    assert.equal(hasScratch, true);
    assert.match(description, /^kernel namespaces \(unshare\)/);
  });

  it("without a wall gives no folder to write to, and says why and what accepts that", async () => {
    const { wall, hasScratch, description } = await chooseIsolation(options("auto", () => false));
    assert.deepEqual([wall, hasScratch], [undefined, false]);
    assert.match(description, /^no kernel wall \(.+\): functions get no folder to write to/);
    assert.match(description, /SKIFF_ISOLATION=permissions/);
    if (process.platform === "linux") assert.match(description, /the kernel refuses unshare/);
  });

  it("with wall does not do without, and with permissions tries none", async () => {
    await assert.rejects(
      chooseIsolation(options("wall", () => false)),
      /SKIFF_ISOLATION=wall, but no wall can be had/,
    );
    const { wall, hasScratch } = await chooseIsolation(
      options("permissions", () => assert.fail("it was tried")),
    );
    assert.deepEqual([wall, hasScratch], [undefined, true]);
  });

  it("is set by words that exist", () => {
    assert.deepEqual([undefined, "", "wall", "permissions"].map(isolationMode), [
      "auto",
      "auto",
      "wall",
      "permissions",
    ]);
    assert.throws(
      () => isolationMode("none"),
      /SKIFF_ISOLATION=none is not a mode of isolation: use auto, wall, permissions/,
    );
    assert.deepEqual([undefined, "", "auto", "machine"].map(hasWalledNetwork), [true, true, true, false]);
    assert.throws(
      () => hasWalledNetwork("off"),
      /SKIFF_NETWORK=off is not a network for functions: use auto or machine/,
    );
  });
});
