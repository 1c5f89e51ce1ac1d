import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DenoCache } from "../../../../runtimes/deno/build/deno-cache.ts";
import { eventually } from "../../../support/eventually.ts";

const MIB = 1024 ** 2;
const never = () => assert.fail("a run was told to end");

describe("the cache of Deno", () => {
  let directory: string;
  let cache: DenoCache;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "skiff-cache-"));
    cache = new DenoCache({ directory, mostBytes: 4 * MIB });
  });
  afterEach(async () => {
    await cache.close();
    await rm(directory, { recursive: true });
  });

  const folders = async () => (await readdir(directory)).sort();
  const fill = async (path: string, bytes: number) => await writeFile(join(path, "a"), Buffer.alloc(bytes));
  /** A folder as runs find it now; the numbers are those of the folders. */
  const current = async () => {
    const held = await cache.hold(never);
    held.release();
    return basename(held.path);
  };

  it("gives every run the same folder while it holds little", async () => {
    assert.deepEqual([await current(), await current()], ["deno-1", "deno-1"]);
  });

  it("begins a new folder when it holds half of what it may, and removes the old one after its last run", async () => {
    const old = await cache.hold(never);
    await fill(old.path, 3 * MIB);
    old.wrote(3 * MIB);
    await eventually("the new folder", async () => (await current()) === "deno-2");
    assert.deepEqual(await folders(), ["deno-1", "deno-2"]);
    old.release();
    await eventually("the end of the old one", async () => (await folders()).join() === "deno-2");
  });

  it("goes by what is there, not by what was written and is gone", async () => {
    const held = await cache.hold(never);
    await fill(held.path, MIB / 4);
    held.wrote(3 * MIB);
    await eventually("the measure", async () => (await current()) === "deno-1");
    held.release();
    assert.deepEqual(
      (await folders()).filter((name) => name === "deno-1"),
      ["deno-1"],
    );
  });

  it("ends the run that wrote most when all is too much", async () => {
    let ended = "";
    const end = (name: string) => () => {
      ended ||= name;
    };
    const [small, large] = [await cache.hold(end("small")), await cache.hold(end("large"))];
    large.wrote(3 * MIB);
    small.wrote(2 * MIB);
    assert.equal(ended, "");
    large.wrote(3.5 * MIB);
    assert.equal(ended, "large");
    for (const held of [small, large]) held.release();
  });

  it("finds the newest folder again and removes the others", async () => {
    for (const name of ["deno", "deno-3", "deno-10", "other"]) await mkdir(join(directory, name));
    await cache.open();
    await cache.close();
    assert.deepEqual(await folders(), ["deno-10", "other"]);
    assert.equal(await current(), "deno-10");
  });
});
