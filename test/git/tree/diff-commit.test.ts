import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { diffCommit } from "../../../manager/git/tree/diff-commit.ts";
import { RawRepository } from "./raw-repository.ts";

describe("diffCommit", () => {
  let git: RawRepository;
  before(() => {
    git = new RawRepository();
  });
  after(() => git.remove());

  const diff = (commit: string) => diffCommit(git.git, { repository: git.path, commit });
  const file = (name: string, content: string | Uint8Array) => ({ name, id: git.blob(content) });

  it("shows what a commit changes", async () => {
    const first = git.commit(git.tree(file("a ö.ts", "one\ntwo\n")));
    assert.match(
      await diff(first),
      /^diff --git a\/a ö.ts b\/a ö.ts\nnew file mode 100644\n.*\n\+one\n\+two\n$/s,
    );
    const second = git.commit(git.tree(file("a ö.ts", "one\n2\n")), { parents: [first] });
    assert.match(await diff(second), /^diff --git .*\n@@ -1,2 \+1,2 @@\n one\n-two\n\+2\n$/s);
    assert.equal(await diff(git.commit(git.tree(file("a ö.ts", "one\n2\n")), { parents: [second] })), "");
  });

  it("compares a merge with its first parent", async () => {
    const ours = git.commit(git.tree(file("a", "ours\n")));
    const theirs = git.commit(git.tree(file("b", "theirs\n")));
    const merged = git.tree(file("a", "ours\n"), file("b", "theirs\n"));
    const printed = await diff(git.commit(merged, { parents: [ours, theirs] }));
    assert.match(printed, /^diff --git a\/b b\/b\n/);
    assert.doesNotMatch(printed, /ours/);
  });

  it("has the names of binary files only", async () => {
    const printed = await diff(git.commit(git.tree(file("x.bin", Uint8Array.of(1, 0, 2)))));
    assert.match(printed, /\nBinary files \/dev\/null and b\/x.bin differ\n$/);
  });

  it("runs no program that attributes or configuration name", async () => {
    const canary = join(git.path, "ran");
    writeFileSync(
      join(git.path, "config"),
      `[core]\nrepositoryformatversion = 0\nbare = true\n[diff "x"]\ntextconv = touch ${canary}\ncommand = touch ${canary}\n[diff]\nexternal = touch ${canary}\n`,
    );
    mkdirSync(join(git.path, "info"));
    writeFileSync(join(git.path, "info/attributes"), "* diff=x\n");
    const tree = git.tree(file(".gitattributes", "* diff=x\n"), file("a", "text\n"));
    assert.match(await diff(git.commit(tree)), /\+text\n/);
    assert.equal(existsSync(canary), false);
  });

  it("is cut at 1 MiB, at the end of a line", async () => {
    const lines = "☃ a line\n".repeat(80_000);
    const printed = await diff(git.commit(git.tree(file("a", lines), file("b", lines), file("c", lines))));
    assert.ok(Buffer.byteLength(printed) <= 1024 ** 2 + 100);
    assert.match(
      printed,
      /\n\+☃ a line\nSkiff cuts the diff here, at 1 MiB: clone the repository to see all of it.\n$/,
    );
  });

  it("is cut in time where folders hold each other a billion times", async () => {
    let id = git.tree();
    for (let depth = 0; depth < 9; depth++) {
      id = git.tree(...Array.from({ length: 10 }, (_, at) => ({ name: `d${at}`, id, mode: "40000" })));
    }
    const printed = await diffCommit(git.git, { repository: git.path, commit: git.commit(id), mostMs: 100 });
    assert.equal(printed, "Skiff cuts the diff here, after 0.1 s: clone the repository to see all of it.\n");
  });

  it("ends with its signal", async () => {
    const signal = AbortSignal.abort(new Error("the client is gone"));
    const commit = git.commit(git.tree());
    await assert.rejects(diffCommit(git.git, { repository: git.path, commit, signal }), /the client is gone/);
  });
});
