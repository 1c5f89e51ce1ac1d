import assert from "node:assert/strict";
import {
  chooseIsolation,
  type IsolationOptions,
  isolationMode,
} from "../../../../platform/local/wall/isolation.ts";
import type { Profile } from "../../../../platform/local/wall/profile.ts";
import { findTools } from "../../../../process/sandbox/tools.ts";
import { needsLinux } from "../../../support/not-tried.ts";

const base = (options: Partial<IsolationOptions>): IsolationOptions => ({
  ...{
    mode: "auto",
    runtime: { binary: process.execPath, program: "/runtime.mjs" },
    attempt: async () => {},
  },
  ...options,
});

describe("SKIFF_ISOLATION", () => {
  it("is auto when it is not set, and refuses other words", () => {
    assert.equal(isolationMode(undefined), "auto");
    assert.equal(isolationMode(""), "auto");
    assert.equal(isolationMode("wall"), "wall");
    assert.throws(() => isolationMode("Wall"), /SKIFF_ISOLATION=Wall .* auto, wall, permissions/);
  });

  it("permissions tries no wall, and gives functions a folder", async () => {
    const attempt = async () => assert.fail("a wall was tried");
    const { wall, hasScratch } = await chooseIsolation(base({ mode: "permissions", attempt }));
    assert.equal(wall, undefined);
    assert.equal(hasScratch, true);
  });

  describe("on Linux", () => {
    before(function () {
      needsLinux(this, "walls");
    });

    it("auto without any tool gives functions no folder, and says what is missing", async () => {
      const { wall, hasScratch, description } = await chooseIsolation(base({ tools: {} }));
      assert.equal(wall, undefined);
      assert.equal(hasScratch, false);
      assert.match(
        description,
        /bwrap: bubblewrap is not installed; bwrap-plain: bubblewrap is not installed; unshare: ldd is not installed/,
      );
    });

    it("wall without any tool does not start", async () => {
      await assert.rejects(
        chooseIsolation(base({ mode: "wall", tools: {} })),
        /SKIFF_ISOLATION=wall, but no wall works here: bwrap: /,
      );
    });

    it("takes the first wall that works, in order of strength", async () => {
      const tried: string[] = [];
      const attempt = async ({ kind }: Profile) => {
        tried.push(kind);
        if (kind === "bwrap") throw new Error("mount: not\npermitted");
      };
      const tools = { ...findTools(), bwrap: "/usr/bin/bwrap" };
      const { wall } = await chooseIsolation(base({ tools, attempt }));
      assert.equal(wall?.kind, "bwrap-plain");
      assert.deepEqual(tried, ["bwrap", "bwrap-plain"]);
    });

    it("says in one line why each wall failed", async () => {
      const attempt = async ({ kind }: Profile) => {
        throw new Error(`${kind}\nfailed`);
      };
      const tools = { ...findTools(), bwrap: "/usr/bin/bwrap" };
      const { description } = await chooseIsolation(base({ tools, attempt }));
      assert.match(
        description,
        /bwrap: bwrap failed; bwrap-plain: bwrap-plain failed; unshare: unshare failed/,
      );
    });
  });
});
