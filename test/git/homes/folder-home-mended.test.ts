import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FolderHome } from "../../../manager/git/homes/folder-home.ts";
import type { OpenRepository } from "../../../manager/git/homes/home.ts";
import { NO_COMMIT } from "../../../manager/git/repository.ts";
import { SmallDisk } from "../../support/skiff/small-disk.ts";
import { stateOf } from "./commits.ts";
import { programGit } from "./program-git.ts";
import { type StepChain, stepChainOf } from "./step-chain.ts";

const MAIN = "refs/heads/main";

describe("repositories in a folder that is not as it was left", () => {
  const { git, close } = programGit();
  let root: string;
  let folder: string;
  let chain: StepChain;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "skiff-test-mended-"));
    chain = await stepChainOf(root, 2);
  });

  beforeEach(() => {
    folder = mkdtempSync(join(root, "git-"));
  });

  after(async () => {
    await close();
    rmSync(root, { recursive: true, force: true });
  });

  const open = (at = folder) => new FolderHome({ folder: at, git });
  const update = { ref: MAIN, from: NO_COMMIT, to: "" };

  async function kept(name: string, home = open()): Promise<OpenRepository> {
    const created = await home.create(name, stateOf(0, [], name));
    const refs = [{ ...update, to: chain.commits[0]! }];
    return await created.save({
      state: stateOf(1, chain.commits, name),
      objects: chain.quarantines[0]!,
      refs,
    });
  }

  it("names a state file that is broken and what to do, and leaves the others alone", async () => {
    const { path } = await kept("broken");
    await kept("whole");
    const file = join(path, "skiff-state.json");
    for (const text of [
      "",
      "{",
      '{"revision":1,"updatedAt":"2026-01-01","moves":[],"state":{"branch":"main"}}',
    ]) {
      writeFileSync(file, text);
      const home = open();
      const problem = {
        code: "internal_error",
        detail: /broken\.git\/skiff-state\.json is broken .*remove the folder/,
      };
      await assert.rejects(home.open("broken"), problem);
      await assert.rejects(home.list({ limit: 10 }), problem);
      await assert.rejects(home.ownerOf("unknown"), problem);
      assert.equal(await home.ownerOf("whole"), "whole");
      assert.equal((await home.open("whole"))?.head, chain.commits[0]);
    }
    const home = open();
    await assert.rejects(home.open("broken"));
    rmSync(path, { recursive: true });
    assert.equal(await home.open("broken"), undefined);
    assert.equal(await home.ownerOf("unknown"), undefined);
  });

  it("ends the moves of refs that a save had begun", async () => {
    const { path } = await kept("begun");
    const file = join(path, "skiff-state.json");
    const moves = [{ ref: MAIN, from: chain.commits[0], to: NO_COMMIT }];
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), moves }));
    assert.equal((await open().open("begun"))?.head, undefined);
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")).moves, []);
  });

  it("saves in spite of the lock of a git that was killed", async () => {
    const repository = await kept("locked");
    writeFileSync(join(repository.path, `${MAIN}.lock`), "");
    const refs = [{ ref: MAIN, from: chain.commits[0]!, to: chain.commits[1]! }];
    const state = stateOf(2, chain.commits, "locked");
    const saved = await repository.save({ state, objects: chain.quarantines[1]!, refs });
    assert.equal(saved.head, chain.commits[1]);
  });

  it("removes folders of repositories that were not kept or no more, and no others", async () => {
    await kept("new-one");
    for (const leftover of ["new-1", "gone-2"]) mkdirSync(join(folder, leftover));
    mkdirSync(join(folder, "notes"));
    assert.equal((await open().list({ limit: 10 })).length, 1);
    assert.deepEqual(readdirSync(folder).sort(), ["new-one.git", "notes"]);
  });

  it("says that a folder of somebody else is in the way", async () => {
    mkdirSync(join(folder, "taken.git", "x"), { recursive: true });
    const home = open();
    assert.equal(await home.open("taken"), undefined);
    await assert.rejects(kept("taken", home), { code: "internal_error", detail: /taken\.git is in the way/ });
  });

  it("removes what killed programs left after a day", async () => {
    const repository = await kept("stale");
    const objects = join(repository.path, "objects");
    const quarantine = join(objects, "tmp_objdir-incoming-a");
    mkdirSync(quarantine);
    const [recent, old] = [join(objects, "pack", "tmp_pack_b"), join(objects, "pack", "tmp_pack_c")];
    for (const pack of [recent, old]) writeFileSync(pack, "");
    const before = new Date(Date.now() - 25 * 3_600_000);
    for (const path of [quarantine, old]) utimesSync(path, before, before);
    await repository.maintain();
    assert.deepEqual([quarantine, old, recent].map(existsSync), [false, false, true]);
  });

  it("says that the disk is full, and keeps the repository as it was", async function () {
    const disk = await SmallDisk.mount(this, folder, 4);
    try {
      const home = open(disk.path);
      const repository = await kept("full", home);
      writeFileSync(join(disk.path, "ballast"), "");
      assert.throws(() => writeFileSync(join(disk.path, "ballast"), Buffer.alloc(8 * 1024 ** 2)), {
        code: "ENOSPC",
      });
      const refs = [{ ref: MAIN, from: chain.commits[0]!, to: chain.commits[1]! }];
      const save = repository.save({
        state: stateOf(2, chain.commits, "full"),
        objects: chain.quarantines[1]!,
        refs,
      });
      await assert.rejects(save, { code: "storage_full" });
      const opened = await open(disk.path).open("full");
      assert.deepEqual([opened?.head, opened?.state], [chain.commits[0], stateOf(1, chain.commits, "full")]);
    } finally {
      await disk.close();
    }
  });
});
