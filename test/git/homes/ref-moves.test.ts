import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allRefs, initRepository } from "../../../manager/git/homes/bare-repository.ts";
import { moveRefs } from "../../../manager/git/homes/ref-moves.ts";
import { writeRefs } from "../../../manager/git/homes/stored/refresh-copy.ts";
import { type CommitId, NO_COMMIT } from "../../../manager/git/repository.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { programGit } from "./program-git.ts";

/** Its folder has what separates folders in variables of git. */
const NAME = 'colon: "quoted".git';
const commit = { files: new Map([["main.ts", Buffer.from("x")]]), author: "Ada", message: "Step" };

describe("moveRefs", () => {
  const { git, close } = programGit();
  const root = mkdtempSync(join(tmpdir(), "skiff-test-refs-"));
  const path = join(root, NAME);
  let id: CommitId;

  before(async () => {
    await initRepository(path, "main");
    const [first] = await writeCommits(git, path, [{ ...commit, parent: undefined, at: new Date() }]);
    // It is built on what the repository has.
    [id] = (await writeCommits(git, path, [{ ...commit, parent: first, at: new Date() }])) as [CommitId];
  });

  after(async () => {
    await close();
    rmSync(root, { recursive: true, force: true });
  });

  const move = (ref: string, from: CommitId, to: CommitId) =>
    moveRefs(git, path, { updates: [{ ref, from, to }] });
  const refs = async () => [...(await allRefs(path)).keys()];

  it("deletes refs whose folders git removes, or never made", async () => {
    await move("refs/heads/a/b/c", NO_COMMIT, id);
    assert.deepEqual(await refs(), ["refs/heads/a/b/c"]);
    await move("refs/heads/a/b/c", id, NO_COMMIT);
    await writeRefs(path, { "refs/heads/p/q": id });
    await move("refs/heads/p/q", id, NO_COMMIT);
    assert.deepEqual(await refs(), []);
  });

  it("says what git says of a ref that would be in another one", async () => {
    await move("refs/heads/a", NO_COMMIT, id);
    await assert.rejects(move("refs/heads/a/b", NO_COMMIT, id), /'refs\/heads\/a' exists; cannot create/);
    assert.deepEqual(await refs(), ["refs/heads/a"]);
  });
});
