import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarOf } from "./runtimes/deno/build/building.ts";
import { eventually } from "./support/eventually.ts";
import { processesWith } from "./support/instances/processes.ts";
import { answering } from "./support/platform/draft.ts";
import { SkiffClient } from "./support/skiff/skiff-client.ts";
import { type ProgramOptions, SkiffProgram } from "./support/skiff/skiff-program.ts";
import { SmallDisk } from "./support/skiff/small-disk.ts";

const REFUSED_WRITES = new URL("support/skiff/refused-writes.ts", import.meta.url).href;
const FULL = /^507 storage_full .*free space.*SKIFF_DATA.*Nothing was changed/;
const NO_START = /^503 no_capacity .*disk is full.*SKIFF_DATA/;

describe("a machine that runs out of disk", () => {
  let folder: string;
  let program: SkiffProgram | undefined;
  let disk: SmallDisk | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-disk-"));
  });
  afterEach(async () => {
    await program?.close();
    await disk?.close();
    program = undefined;
    disk = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(options: ProgramOptions, data = folder) {
    program = new SkiffProgram(data, options);
    return { program, skiff: new SkiffClient(await program.url()) };
  }

  /** A single file, whose build needs no space: the database needs most of it. */
  function large(): string {
    return `${answering("large")}// ${"x".repeat(3 * 1024 ** 2)}`;
  }

  it("refuses deploys, removals and starts and says why, changes nothing, and goes on with what runs", async function () {
    disk = await SmallDisk.mount(this, folder, 24);
    const { program, skiff } = await start(disk);
    assert.equal(await skiff.deploy("warm", answering("warm"), "idle=1h"), 201);
    assert.equal(await skiff.deploy("cold", answering("cold"), "idle=100ms"), 201);
    await skiff.stopped("cold");
    // Its build needs space.
    const project = (await tarOf({
      "main.ts": answering("a"),
      "b.txt": "x".repeat(3 * 1024 ** 2),
    })) as BodyInit;
    const deploysAreRefused = async () => {
      for (const [name, body] of [
        ["large", large()],
        ["warm", large()],
        ["warm", project],
      ] as const) {
        assert.match(await skiff.problem(`/func?name=${name}`, { method: "POST", body }), FULL);
      }
      assert.equal(await skiff.call("warm"), "warm");
      assert.equal(await skiff.call("large"), "404 unknown_function");
    };
    disk.fill();
    await deploysAreRefused();
    assert.match(program.output, /ENOSPC/);
    const min = { method: "PATCH", body: '{"min":1}', headers: { "content-type": "application/json" } };
    assert.match(await skiff.problem("/func/warm", min), FULL);
    assert.match(await skiff.problem("/func/warm", { method: "DELETE" }), FULL);
    // What failed may have given something back.
    disk.fill();
    assert.match(await skiff.problem("/fn/cold"), NO_START);
    assert.equal(await skiff.call("warm"), "warm");
    disk.free();
    disk.fill("ballast", 1024 ** 2);
    await deploysAreRefused();
    assert.match(program.output, /database or disk is full/);
    disk.free();
    await eventually("what is cold starts again", async () => (await skiff.call("cold")) === "cold");
    assert.equal(await skiff.deploy("large", large()), 201);
    assert.equal(await skiff.call("large"), "large");
  });

  it("refuses what needs a file where Node cannot write one, and goes on with what runs", async () => {
    const mark = join(folder, "refused");
    const options = { preloads: [REFUSED_WRITES], env: { REFUSED_WRITES: mark } };
    const { program, skiff } = await start(options, join(folder, "data"));
    assert.equal(await skiff.deploy("warm", answering("warm"), "idle=1h"), 201);
    assert.equal(await skiff.deploy("cold", answering("cold"), "idle=100ms"), 201);
    await skiff.stopped("cold");
    writeFileSync(mark, "");
    for (const name of ["new", "warm"]) {
      const init = { method: "POST", body: answering("new") };
      assert.match(await skiff.problem(`/func?name=${name}`, init), FULL);
    }
    assert.match(program.output, /ENOSPC/);
    assert.match(await skiff.problem("/fn/cold"), NO_START);
    assert.equal(await skiff.call("new"), "404 unknown_function");
    assert.equal(await skiff.call("warm"), "warm");
    rmSync(mark);
    await eventually("what is cold starts again", async () => (await skiff.call("cold")) === "cold");
    assert.equal(await skiff.deploy("new", answering("new")), 201);
    assert.equal(await skiff.call("new"), "new");
  });

  it("starts all the same after a crash: what it left behind goes before anything is written", async function () {
    this.timeout(60_000);
    disk = await SmallDisk.mount(this, folder, 24);
    const options = { ...disk, args: ["--workers", "2"] };
    const first = await start(options);
    assert.equal(await first.skiff.deploy("kept", answering("kept")), 201);
    // As an instance without a wall could, whose scratch folder was here.
    disk.fill("instances/left/scratch/filling");
    assert.equal(disk.freeBytes, 0);
    first.program.signal("SIGKILL");
    await first.program.ended();
    // With a build that was under way.
    disk.fill("build/builds/left/module.js");
    assert.equal(disk.freeBytes, 0);
    const { skiff } = await start(options);
    assert.ok(!existsSync(join(disk.path, "build/builds/left")));
    assert.equal(await skiff.call("kept"), "kept");
    assert.equal(await skiff.deploy("new", answering("new")), 201);
  });

  it("starts all the same when others have taken the last block, and serves when there is space", async function () {
    this.timeout(60_000);
    disk = await SmallDisk.mount(this, folder, 24);
    const first = await start(disk);
    assert.equal(await first.skiff.deploy("kept", answering("kept")), 201);
    first.program.signal("SIGKILL");
    await first.program.ended();
    await eventually("its instances have ended", () => processesWith(folder).length === 0);
    disk.fill();
    assert.equal(disk.freeBytes, 0);
    const { skiff } = await start(disk);
    disk.fill();
    assert.match(await skiff.problem("/fn/kept"), NO_START);
    disk.free();
    await eventually("what is cold starts", async () => (await skiff.call("kept")) === "kept");
  });

  it("says of a file that is too long that it failed, not that the disk is full", async function () {
    this.timeout(60_000);
    // In blocks of 512 or 1,024 bytes, as the shell will have it; more than Deno needs for its own files.
    const { skiff } = await start({ before: "ulimit -f 8192" });
    assert.equal(await skiff.deploy("large", large()), 500);
    assert.equal(await skiff.call("large"), "404 unknown_function");
    assert.equal(await skiff.deploy("large", answering("small")), 201);
    assert.equal(await skiff.call("large"), "small");
  });
});
