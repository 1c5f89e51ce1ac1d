import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { programIsolation } from "../../../../platform/local/programs/program-walls.ts";
import type { Profile } from "../../../../platform/local/wall/profile.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

describe("what holds programs", () => {
  let dataFolder: string;
  beforeEach(() => {
    dataFolder = mkdtempSync(join(tmpdir(), "skiff-walls-"));
  });
  afterEach(() => rmSync(dataFolder, { recursive: true }));

  const runtime = { binary: process.execPath, program: process.execPath };
  const isolation = (
    attempt: (profile: Profile) => Promise<void>,
    mode: "auto" | "none" | "permissions" = "auto",
  ) => programIsolation({ mode, runtime, dataFolder, attempt });

  it("is the first wall that works", async function () {
    needsWall(this, "bwrap");
    const tried: string[] = [];
    const { wall, refusal } = await isolation(async ({ kind }) => {
      tried.push(kind);
      if (kind === "bwrap") throw new Error("mount: unknown option");
    });
    assert.deepEqual(tried, ["bwrap", "bwrap-plain"]);
    assert.equal(wall?.kind, "bwrap-plain");
    assert.ok(wall?.wide);
    assert.equal(refusal, undefined);
  });

  it("is nothing, for the reason that each of them gave", async function () {
    needsWall(this, "bwrap");
    const { wall, refusal, description } = await isolation(async () => {
      throw new Error("bwrap: setting up uid map:\nPermission denied");
    });
    assert.equal(wall, undefined);
    assert.match(
      refusal!,
      /^bwrap: bwrap: setting up uid map: Permission denied; bwrap-plain: .*apt install bubblewrap/,
    );
    assert.match(description, /^none, so that programs are refused \(bwrap: bwrap: setting up/);
  });

  it("is nothing within Deno's permissions alone, which programs do not know", async () => {
    const { wall, isOpen } = await isolation(async () => assert.fail("it tries"), "permissions");
    assert.deepEqual([wall, isOpen], [undefined, undefined]);
  });

  it("is what SKIFF_ISOLATION=none says, in so many words", async () => {
    const { wall, isOpen, description } = await isolation(async () => assert.fail("it tries"), "none");
    assert.deepEqual([wall, isOpen], [undefined, true]);
    assert.match(
      description,
      /^NO SANDBOX.*every program can read, change and send whatever the user of Skiff can/,
    );
  });
});
