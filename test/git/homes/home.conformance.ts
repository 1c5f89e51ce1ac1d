import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Home, OpenRepository } from "../../../manager/git/homes/home.ts";
import { NO_COMMIT, type RefUpdate } from "../../../manager/git/repository.ts";
import { type Chain, chainOf, quarantine, stateOf } from "./commits.ts";
import { plainGit } from "./plain-git.ts";
import { pushInto } from "./push-into.ts";

const MAIN = "refs/heads/main";

/** A home under test. */
export interface Subject {
  /** A new home over what the earlier ones kept. */
  open(folder: string): Home;
  close(): Promise<void>;
}

/** What every home does. */
export function describeHome(title: string, start: () => Promise<Subject>): void {
  describe(title, function () {
    this.timeout(60_000);
    const folder = mkdtempSync(join(tmpdir(), "skiff-test-homes-"));
    let subject: Subject;
    let home: Home;
    let chain: Chain;

    before(async () => {
      subject = await start();
      home = subject.open(join(folder, "git"));
      chain = await chainOf(join(folder, "chain"), 5);
    });

    after(async () => {
      await home?.close();
      await subject?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    const moved = (from: number, to: number, ref = MAIN): RefUpdate => ({
      ref,
      from: chain.commits[from - 1] ?? NO_COMMIT,
      to: chain.commits[to - 1] ?? NO_COMMIT,
    });

    async function kept(name: string, version = 1): Promise<OpenRepository> {
      const repository = await home.create(name, stateOf(0, [], name));
      const objects = await quarantine(repository.path, chain.pack);
      const state = stateOf(version, chain.commits, name);
      return await repository.save({ state, objects, refs: [moved(0, version)] });
    }

    it("keeps a repository from its first save on", async () => {
      const created = await home.create("first", stateOf(0, [], "first"));
      assert.equal(await home.open("first"), undefined);
      assert.equal(await home.ownerOf("first"), undefined);
      await created.save({ state: stateOf(0, [], "first") });
      const opened = await home.open("first");
      assert.deepEqual([opened?.state, opened?.head], [stateOf(0, [], "first"), undefined]);
      assert.equal(await home.ownerOf("first"), "first");
    });

    it("keeps objects, refs and the state, which another home finds", async () => {
      const saved = await kept("objects", 2);
      const other = subject.open(dirname(saved.path));
      const opened = await other.open("objects");
      assert.deepEqual(
        [saved.head, opened?.head, opened?.state],
        [chain.commits[1], chain.commits[1], stateOf(2, chain.commits, "objects")],
      );
      assert.ok((await saved.bytes()) >= chain.pack.byteLength);
      await plainGit.run(["fsck", "--strict"], { repository: opened!.path });
      const file = await plainGit.run(["show", "main:index.ts"], { repository: opened!.path });
      assert.equal(file.toString(), "export default () => 2;\n");
      await other.close();
    });

    it("keeps objects that git wrote into the repository", async () => {
      const repository = await kept("loose");
      const tree = (await plainGit.run(["rev-parse", "main^{tree}"], { repository: repository.path }))
        .toString()
        .trim();
      const args = [
        "-c",
        "user.name=Ada",
        "-c",
        "user.email=a@b",
        "commit-tree",
        tree,
        "-p",
        "main",
        "-m",
        "x",
      ];
      const to = (await plainGit.run(args, { repository: repository.path })).toString().trim();
      await repository.save({ state: repository.state, refs: [{ ref: MAIN, from: repository.head!, to }] });
      const other = subject.open(dirname(repository.path));
      const opened = await other.open("loose");
      assert.equal(opened?.head, to);
      await plainGit.run(["fsck", "--strict"], { repository: opened!.path });
      await other.close();
    });

    it("moves, makes and removes refs together", async () => {
      const repository = await kept("refs");
      const refs = [moved(1, 3), moved(0, 2, "refs/tags/v2"), moved(0, 2, "refs/heads/side/x")];
      const more = await repository.save({ state: stateOf(3, chain.commits, "refs"), refs });
      const less = await more.save({ state: more.state, refs: [moved(2, 0, "refs/tags/v2")] });
      const listed = await plainGit.run(["for-each-ref", "--format=%(objectname) %(refname)"], {
        repository: less.path,
      });
      assert.deepEqual(listed.toString().trim().split("\n"), [
        `${chain.commits[2]} ${MAIN}`,
        `${chain.commits[1]} refs/heads/side/x`,
      ]);
    });

    it("refuses a change of what another one changed, and changes nothing then", async () => {
      const mine = await kept("conflict");
      const theirs = (await home.open("conflict"))!;
      await theirs.save({ state: stateOf(2, chain.commits, "conflict"), refs: [moved(1, 2)] });
      const late = mine.save({ state: stateOf(3, chain.commits, "conflict"), refs: [moved(1, 3)] });
      await assert.rejects(late, { code: "repository_conflict" });
      const opened = await home.open("conflict");
      assert.deepEqual([opened?.head, opened?.state.functions.conflict?.version], [chain.commits[1], 2]);
    });

    it("refuses to move a ref from where it is not", async () => {
      const repository = await kept("elsewhere", 2);
      const save = repository.save({ state: repository.state, refs: [moved(1, 3)] });
      await assert.rejects(save, { code: "repository_conflict" });
      assert.equal((await home.open("elsewhere"))?.head, chain.commits[1]);
    });

    it("lets one of two saves at once win, and one of two with the same new name", async () => {
      const [a, b] = [
        await home.create("race", stateOf(0, [], "race")),
        await home.create("race", stateOf(0, [], "race")),
      ];
      const saves = await Promise.allSettled([
        a.save({ state: stateOf(0, [], "race") }),
        b.save({ state: stateOf(0, [], "race") }),
      ]);
      assert.deepEqual(saves.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
      await Promise.all([a.release(), b.release()]);
      const opened = [(await home.open("race"))!, (await home.open("race"))!];
      const again = await Promise.allSettled(
        opened.map((each) => each.save({ state: stateOf(0, [], "race") })),
      );
      assert.deepEqual(again.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    });

    it("points HEAD to the branch that deploys", async () => {
      const repository = await kept("branch");
      const refs = [moved(0, 2, "refs/heads/live")];
      const saved = await repository.save({ state: { ...repository.state, branch: "live" }, refs });
      const head = await plainGit.run(["symbolic-ref", "HEAD"], { repository: saved.path });
      assert.deepEqual([head.toString().trim(), saved.head], ["refs/heads/live", chain.commits[1]]);
    });

    it("keeps a push in its hook, also the first one of a new repository", async () => {
      const created = await home.create("pushed", stateOf(0, [], "pushed"));
      const state = stateOf(1, chain.commits, "pushed");
      const source = join(folder, "chain");
      let refs = [moved(0, 1)];
      const first = await pushInto(created.path, { source, commit: chain.commits[0]! }, (objects) =>
        created.save({ state, objects, refs, byGit: true }),
      );
      assert.equal((await home.open("pushed"))?.head, chain.commits[0]);
      refs = [moved(1, 2)];
      const second = await pushInto(first.path, { source, commit: chain.commits[1]! }, async (objects) =>
        (await home.open("pushed"))!.save({ state, objects, refs, byGit: true }),
      );
      await plainGit.run(["fsck", "--strict"], { repository: second.path });
      assert.equal((await home.open("pushed"))?.head, chain.commits[1]);
    });

    it("lists pages in order of name, and names the owner of a function", async () => {
      for (const name of ["zz-b", "zz-a", "zz-c"]) {
        const state = { ...stateOf(0, [], `of-${name}`), isGroup: true };
        await (await home.create(name, state)).save({ state });
      }
      const names = async (after: string, limit: number) =>
        (await home.list({ after, limit })).map(({ name }) => name);
      assert.deepEqual(await names("zz-", 2), ["zz-a", "zz-b"]);
      assert.deepEqual(await names("zz-b", 2), ["zz-c"]);
      const listed = await home.list({ after: "objec", limit: 1 });
      assert.deepEqual([listed[0]?.name, listed[0]?.head], ["objects", chain.commits[1]]);
      assert.equal(await home.ownerOf("of-zz-b"), "zz-b");
      assert.equal(await home.ownerOf("nobody"), undefined);
      // A killed manager leaves the repository of a function that has moved into a group.
      for (const [name, group] of [
        ["zz-d", "zz-e"],
        ["zz-g", "zz-f"],
      ] as const) {
        const state = stateOf(0, [], name);
        await (await home.create(name, state)).save({ state });
        await (await home.create(group, state)).save({ state: { ...state, isGroup: true } });
        assert.equal(await home.ownerOf(name), group);
      }
    });

    it("removes a repository, whose name is free then", async () => {
      const repository = await kept("removed");
      assert.equal(await home.remove("removed"), true);
      assert.equal(await home.remove("removed"), false);
      assert.deepEqual([await home.open("removed"), await home.ownerOf("removed")], [undefined, undefined]);
      await assert.rejects(repository.save({ state: repository.state }), { code: "repository_conflict" });
      assert.equal((await kept("removed", 3)).head, chain.commits[2]);
    });

    it("removes the folder of a repository that was never saved", async () => {
      const created = await home.create("never", stateOf(0, [], "never"));
      assert.ok(existsSync(created.path));
      await created.release();
      assert.equal(existsSync(created.path), false);
    });

    it("packs many packs into one and loses nothing", async () => {
      let repository = await kept("packs", 5);
      // Each checkpoint ends a pack.
      const blobs = Array.from(
        { length: 42 },
        (_, number) => `blob\ndata <<E\nblob ${number}\nE\n\ncheckpoint\n`,
      );
      const args = ["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet"];
      await plainGit.run(args, { repository: repository.path, input: `${blobs.join("\n")}\n` });
      repository = await repository.save({ state: repository.state });
      await repository.maintain();
      const packs = readdirSync(join(repository.path, "objects", "pack")).filter((name) =>
        name.endsWith(".pack"),
      );
      assert.equal(packs.length, 1);
      const other = subject.open(dirname(repository.path));
      const { path } = (await other.open("packs"))!;
      const blob = await plainGit.run(["hash-object", "--stdin"], { repository: path, input: "blob 7\n" });
      const found = await plainGit.run(["cat-file", "-p", blob.toString().trim()], { repository: path });
      assert.equal(found.toString(), "blob 7\n");
      await other.close();
    });
  });
}
