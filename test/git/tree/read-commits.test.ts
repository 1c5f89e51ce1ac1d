import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  changedPaths,
  hasCommit,
  isAncestor,
  readCommits,
  resolveCommit,
} from "../../../manager/git/tree/read-commits.ts";
import { RawRepository } from "./raw-repository.ts";

const UNKNOWN = "9".repeat(40);

describe("the commits of a repository", () => {
  let git: RawRepository;
  let first: string;
  let second: string;
  let side: string;
  let merge: string;
  before(() => {
    git = new RawRepository();
    const lib = git.files("a.ts");
    first = git.commit(git.files("a.ts"), { message: "Add a\n\nIt says\nwhat it is.\n\n" });
    second = git.commit(git.tree({ name: "lib", id: lib, mode: "40000" }), {
      parents: [first],
      message: "Move\n",
    });
    side = git.commit(git.files("a.ts", "b.ts"), { parents: [first], message: "Add b" });
    merge = git.commit(git.files("b.ts"), { parents: [second, side], message: "Merge\n" });
  });
  after(() => git.remove());

  const read = (from: string, options: { limit?: number; skip?: number; path?: string } = {}) =>
    readCommits(git.git, { repository: git.path, limit: 10, from, ...options });
  const author = "author A <a@b> 1700000000 +0000\n";
  const raw = (lines: string | Uint8Array, message: string | Uint8Array = "x\n") =>
    git.rawCommit(
      Buffer.concat([
        Buffer.from(`tree ${git.tree()}\n`),
        Buffer.from(lines),
        Buffer.from("committer A <a@b> 1700000000 +0000\n"),
        Buffer.from(message),
      ]),
    );

  it("are read newest first", async () => {
    const commits = await read(merge);
    assert.equal(commits.length, 4);
    assert.deepEqual(commits[0]?.parents, [second, side]);
    assert.deepEqual(commits.at(-1), {
      id: first,
      parents: [],
      author: "A",
      email: "a@b",
      at: new Date(1_700_000_000_000),
      subject: "Add a",
      body: "It says\nwhat it is.",
    });
  });

  it("are read in pages, and of one path", async () => {
    const all = (await read(merge)).map(({ id }) => id);
    assert.deepEqual(
      (await read(merge, { limit: 2 })).map(({ id }) => id),
      all.slice(0, 2),
    );
    assert.deepEqual(
      (await read(merge, { skip: 3 })).map(({ id }) => id),
      all.slice(3),
    );
    assert.deepEqual(
      (await read(second, { path: "lib" })).map(({ id }) => id),
      [second],
    );
    assert.equal((await read(second, { path: "." })).length, 2);
    assert.equal((await read(second, { path: "*" })).length, 0, "a path is no pattern");
  });

  it("may have long messages", async () => {
    const [commit] = await read(raw(author, `\nlong\n\n${"☃".repeat(400_000)}`));
    assert.equal(commit?.subject, "long");
    assert.match(commit?.body ?? "", /^☃+…$/);
    assert.ok(Buffer.byteLength(commit!.body) <= 10_240);
  });

  it("may have odd bytes", async () => {
    const latin = Buffer.concat([Buffer.from("encoding ISO-8859-1\n\ncaf"), Buffer.from([0xe9, 0x0a])]);
    assert.equal((await read(raw(author, latin)))[0]?.subject, "café");
    const wrong = Buffer.concat([Buffer.from("\ncaf"), Buffer.from([0xe9, 0x0a])]);
    assert.equal((await read(raw(author, wrong)))[0]?.subject, "caf\uFFFD");
    assert.equal((await read(raw(author, "\n\n\nafter lines\0hidden\n")))[0]?.subject, "after lines");
    assert.equal((await read(raw(author, "\n")))[0]?.subject, "");
  });

  it("may claim any time", async () => {
    for (const seconds of ["99999999999999", "-5", "0", "x"]) {
      const [commit] = await read(raw(`author A <a@b> ${seconds} +0000\n`, "\nx\n"));
      assert.match(commit!.at.toISOString(), /^(1970-01-01|9999-12-31)T/);
    }
  });

  it("are found by the beginning of their ids", async () => {
    const resolve = (text: string) => resolveCommit(git.git, { repository: git.path, text });
    assert.equal(await resolve(first), first);
    assert.equal(await resolve(first.slice(0, 7)), first);
    assert.equal(await resolve(first.slice(0, 11).toUpperCase()), first);
    for (const text of ["main", "abc", "--all", "HEAD", `${first}0`, `${first.slice(0, 7)}^`]) {
      await assert.rejects(resolve(text), { code: "unknown_commit", detail: /4 to 40 hexadecimal digits/ });
    }
    for (const text of [UNKNOWN, git.blob("no commit"), git.files("a.ts")]) {
      await assert.rejects(resolve(text), {
        code: "unknown_commit",
        detail: /is not a commit of the repository/,
      });
    }
  });

  it("are not found by the names of branches", async () => {
    mkdirSync(join(git.path, "refs/heads"), { recursive: true });
    writeFileSync(join(git.path, "refs/heads", second.slice(0, 8)), `${first}\n`);
    writeFileSync(join(git.path, "refs/heads/deadbeef"), `${first}\n`);
    const resolve = (text: string) => resolveCommit(git.git, { repository: git.path, text });
    assert.equal(await resolve(second.slice(0, 8)), second);
    await assert.rejects(resolve("deadbeef"), { code: "unknown_commit" });
  });

  it("need more digits where several begin alike", async () => {
    const [one, other] = ["74", "593"].map((message) => git.commit(git.tree(), { message }));
    assert.equal(one?.slice(0, 4), other?.slice(0, 4), "they were looked for");
    const text = one!.slice(0, 4);
    await assert.rejects(resolveCommit(git.git, { repository: git.path, text }), {
      code: "unknown_commit",
      detail: /is the beginning of several commits: use more digits/,
    });
  });

  it("are there or not", async () => {
    const has = (commit: string) => hasCommit(git.git, { repository: git.path, commit });
    assert.deepEqual(await Promise.all([first, UNKNOWN, git.tree()].map(has)), [true, false, false]);
  });

  it("have ancestors", async () => {
    const is = (ancestor: string, of: string) => isAncestor(git.git, { repository: git.path, ancestor, of });
    assert.deepEqual(
      await Promise.all([is(first, merge), is(side, merge), is(first, first), is(second, side)]),
      [true, true, true, false],
    );
    await assert.rejects(is(UNKNOWN, first), { name: "GitFailed" });
  });

  it("differ in paths", async () => {
    const changed = (from: string, to: string) => changedPaths(git.git, { repository: git.path, from, to });
    assert.deepEqual(await changed(first, second), ["a.ts", "lib/a.ts"]);
    assert.deepEqual(await changed(second, first), ["a.ts", "lib/a.ts"]);
    assert.deepEqual(await changed(first, first), []);
  });
});
