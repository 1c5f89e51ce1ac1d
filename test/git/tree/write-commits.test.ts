import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTree } from "../../../manager/git/tree/read-tree.ts";
import { type NewCommit, PREVIOUS, type TreeFiles } from "../../../manager/git/tree/tree.ts";
import { writeCommits } from "../../../manager/git/tree/write-commits.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { RawRepository } from "./raw-repository.ts";

const LIMITS = { bytes: 10_000_000, files: 1_000 };

describe("writeCommits", () => {
  let repository: RawRepository;
  before(() => {
    repository = new RawRepository();
  });
  after(() => repository.remove());

  const write = (...commits: readonly NewCommit[]) => writeCommits(repository.git, repository.path, commits);
  const packs = () => readdirSync(join(repository.path, "objects", "pack"));
  const read = (commit: string) => readTree(repository.git, { repository: repository.path, commit }, LIMITS);
  const show = async (commit: string, format: string) =>
    (
      await repository.git.run(["log", "-1", `--format=${format}`, commit], { repository: repository.path })
    ).toString();
  const list = async (commit: string) =>
    (await repository.git.run(["ls-tree", "-r", "--name-only", commit], { repository: repository.path }))
      .toString()
      .split("\n")
      .filter(Boolean);

  it("writes what readTree reads", async () => {
    const random = seededRandom(testSeed());
    const large = new Map([["large", new Uint8Array(3_000_000).fill(7)]]);
    const trees = [...Array.from({ length: 5 }, () => randomTree(random)), large];
    const ids = await write(
      ...trees.map((files, at) => commitOf(files, { parent: at === 0 ? undefined : PREVIOUS })),
    );
    assert.equal(ids.length, trees.length);
    for (const [at, files] of trees.entries()) {
      const found = await read(ids[at]!);
      assert.deepEqual(new Map(found), new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1))));
    }
    const history = await repository.git.run(["rev-list", ids.at(-1)!], { repository: repository.path });
    assert.deepEqual(history.toString().trim().split("\n"), ids.toReversed());
    await repository.git.run(["fsck", "--strict", "--no-dangling", ids.at(-1)!], {
      repository: repository.path,
    });
  });

  it("makes the same commits of the same values, together or one by one", async () => {
    const files = textFiles({ "b.ts": "b", "a/x": "x", ".gitignore": "*.log" });
    const commits = [
      commitOf(files, { parent: undefined }),
      commitOf(textFiles({ c: "c" }), { parent: PREVIOUS }),
      commitOf(textFiles({ c: "d", ".gitignore": "" }), { parent: PREVIOUS }),
      commitOf(textFiles({ e: "e", "a/.gitkeep": "" }), { parent: PREVIOUS }),
      commitOf(textFiles({ a: "in place of its folder" }), { parent: PREVIOUS }),
      commitOf(textFiles({ e: "e" }), { parent: PREVIOUS }),
    ];
    const together = await write(...commits);
    const other = new RawRepository();
    const reordered = { ...commits[0]!, files: new Map([...files].reverse()) };
    let parent: string | undefined;
    for (const [at, commit] of [reordered, ...commits.slice(1)].entries()) {
      const [id] = await writeCommits(other.git, other.path, [{ ...commit, parent }]);
      assert.equal(id, together[at]);
      parent = id;
    }
    other.remove();
    assert.equal(together[0], "5e141a879c603889846133a6ba3bb4790b53c0f0");
  });

  it("writes the author, the time and the message so that git accepts them", async () => {
    const author = "key <ci>\n(k1a2b3)\0";
    const [id] = await write({
      ...commitOf(textFiles({ a: "a" })),
      author,
      message: "Deploy x\r\n\r\nfrom ☃\0",
    });
    assert.equal(
      await show(id!, "%an|%ae|%aI|%cn|%ce|%cI|%B"),
      "key ci (k1a2b3)|key-ci-k1a2b3@skiff|2026-01-02T03:04:05+00:00|key ci (k1a2b3)|key-ci-k1a2b3@skiff|2026-01-02T03:04:05+00:00|Deploy x\n\nfrom ☃\n\n",
    );
    const [empty] = await write({ ...commitOf(textFiles({ a: "a" })), author: "<\n>", message: " " });
    assert.equal(await show(empty!, "%an <%ae> %s"), "skiff <skiff@skiff> Deploy\n");
  });

  it("replaces a folder or a file, and keeps the rest", async () => {
    const first = textFiles({ "skiff.yaml": "functions:", "a/x": "x", "a/y": "y", ab: "ab", "b.ts": "b" });
    const second = commitOf(textFiles({ "a/z": "z" }), { parent: PREVIOUS });
    const third = commitOf(textFiles({ "b.ts": "new", "c/d": "d" }), { parent: PREVIOUS });
    const ids = await write(
      commitOf(first),
      { ...second, replaces: ["a"] },
      { ...third, replaces: ["b.ts", "c"] },
      { ...commitOf(textFiles({}), { parent: PREVIOUS }), replaces: ["a"] },
    );
    assert.deepEqual(await list(ids[1]!), ["a/z", "ab", "b.ts", "skiff.yaml"]);
    assert.deepEqual(await list(ids[2]!), ["a/z", "ab", "b.ts", "c/d", "skiff.yaml"]);
    assert.equal(Buffer.from((await read(ids[2]!)).get("b.ts")!).toString(), "new");
    assert.deepEqual(await list(ids[3]!), ["ab", "b.ts", "c/d", "skiff.yaml"]);
  });

  it("keeps the files for git of the parent, unless the source has its own", async () => {
    const pushed = textFiles({
      ".gitignore": "old",
      ".github/workflows/ci.yml": "ci",
      "a/.gitkeep": "",
      "a/x": "x",
    });
    const [base] = await write(commitOf(pushed));
    const [deployed, own, part] = await write(
      commitOf(textFiles({ "index.ts": "1" }), { parent: base }),
      commitOf(textFiles({ "index.ts": "2", ".gitignore": "new" }), { parent: PREVIOUS }),
      { ...commitOf(textFiles({ "a/z": "z" }), { parent: PREVIOUS }), replaces: ["a"] },
    );
    assert.deepEqual(await list(deployed!), [
      ".github/workflows/ci.yml",
      ".gitignore",
      "a/.gitkeep",
      "index.ts",
    ]);
    assert.deepEqual(await list(own!), await list(deployed!));
    const content = await repository.git.run(["show", `${own}:.gitignore`], { repository: repository.path });
    assert.equal(content.toString(), "new");
    assert.deepEqual(await list(part!), [
      ".github/workflows/ci.yml",
      ".gitignore",
      "a/.gitkeep",
      "a/z",
      "index.ts",
    ]);
  });

  it("takes the tree of another commit as it is", async () => {
    const link = { name: "link", id: repository.blob("run.sh"), mode: "120000" };
    const old = repository.commit(
      repository.tree(
        { name: ".gitignore", id: repository.blob("old") },
        { name: "lib", id: repository.files("x"), mode: "40000" },
        link,
        { name: "run.sh", id: repository.blob("#!/bin/sh"), mode: "100755" },
      ),
    );
    const [newer] = await write(commitOf(textFiles({ "run.sh": "new", "lib/y": "y" }), { parent: old }));
    const none = textFiles({});
    const [back, after, part] = await write(
      { ...commitOf(none, { parent: newer }), treeOf: old },
      commitOf(textFiles({ z: "z" }), { parent: PREVIOUS }),
      { ...commitOf(none, { parent: newer }), treeOf: old, replaces: ["lib", "missing"] },
    );
    assert.equal(await show(back!, "%T"), await show(old, "%T"));
    assert.deepEqual(await list(after!), [".gitignore", "z"]);
    assert.deepEqual(await list(part!), [".gitignore", "lib/x", "run.sh"]);
  });

  it("marks executables", async () => {
    const [id] = await write({
      ...commitOf(textFiles({ run: "#!/bin/sh", b: "b" })),
      executables: new Set(["run"]),
    });
    assert.deepEqual([...(await read(id!)).executables], ["run"]);
  });

  it("leaves out what git cannot hold", async () => {
    const names = [".git/config", "a/.GIT/x", "a\\.git\\x", "../x", "a//b", "/etc/x", "a\0b", ".", "good"];
    const [id] = await write(commitOf(new Map(names.map((name) => [name, Buffer.from("x")]))));
    assert.deepEqual(await list(id!), ["good"]);
  });

  it("holds odd paths", async () => {
    const names = ['quo"te', "new\nline", "back\\slash", " space ", "-o", "ü☃", ":(top)x", "*"];
    const [id] = await write(commitOf(new Map(names.map((name) => [name, Buffer.from(name)]))));
    const printed = await repository.git.run(["ls-tree", "-z", "--name-only", id!], {
      repository: repository.path,
    });
    assert.deepEqual(printed.toString().split("\0").filter(Boolean).sort(), names.sort());
  });

  it("builds on a tree whose folders hold each other a billion times", async () => {
    let id = repository.files(".gitignore");
    for (let depth = 0; depth < 9; depth++) {
      id = repository.tree(...Array.from({ length: 10 }, (_, at) => ({ name: `d${at}`, id, mode: "40000" })));
    }
    const parent = repository.commit(id);
    const [commit] = await write({ ...commitOf(textFiles({ x: "x" }), { parent }), replaces: ["x"] });
    assert.equal(await show(commit!, "%P"), `${parent}\n`);
  });

  it("moves no ref", async () => {
    await write(commitOf(textFiles({ a: "a" })));
    assert.equal(
      (await repository.git.run(["for-each-ref"], { repository: repository.path })).toString(),
      "",
    );
    assert.deepEqual(readdirSync(join(repository.path, "refs"), { recursive: true }), ["heads"]);
    assert.deepEqual(
      readdirSync(repository.path).sort(),
      ["HEAD", "empty", "objects", "refs"],
      "no report of a crash",
    );
  });

  it("writes the same commits at the same time", async () => {
    const commits = [commitOf(textFiles({ a: "at once" }))];
    const written = await Promise.all([write(...commits), write(...commits), write(...commits)]);
    assert.deepEqual(written, [written[0], written[0], written[0]]);
  });

  it("writes commits of which a killed git left a mark", async () => {
    const commits = [commitOf(textFiles({ a: "left behind" }))];
    const before = packs();
    const written = await write(...commits);
    const [made] = packs().filter((name) => !before.includes(name) && name.endsWith(".pack"));
    const path = join(repository.path, "objects", "pack", made!);
    for (const ending of [".pack", ".idx"]) rmSync(path.replace(".pack", ending));
    writeFileSync(path.replace(".pack", ".keep"), "fast-import");
    assert.deepEqual(await write(...commits), written);
    assert.ok(packs().includes(made!));
  });

  it("fails with what git says, and writes nothing", async () => {
    const objects = () => readdirSync(join(repository.path, "objects"), { recursive: true }).sort();
    const before = objects();
    await assert.rejects(
      write(commitOf(textFiles({ a: "a" }), { parent: "3".repeat(40) })),
      /git ls-tree failed/,
    );
    await assert.rejects(write(commitOf(textFiles({ a: "a" }), { parent: PREVIOUS })), /no previous one/);
    assert.deepEqual(await write(), []);
    assert.deepEqual(objects(), before);
  });
});

function textFiles(files: Readonly<Record<string, string>>): TreeFiles {
  return new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)]));
}

function commitOf(files: TreeFiles, { parent }: { readonly parent?: string | undefined } = {}): NewCommit {
  return { parent, files, author: "key ci (k1)", at: new Date("2026-01-02T03:04:05Z"), message: "Deploy x" };
}

function randomTree(random: () => number): TreeFiles {
  const whole = (most: number) => Math.floor(random() * most);
  const files = new Map<string, Uint8Array>();
  for (let count = whole(20); count > 0; count--) {
    const names = Array.from({ length: 1 + whole(3) }, () => `${"abcdü☃"[whole(6)]}${whole(4)}`);
    const path = names.map((name, at) => (at < names.length - 1 ? `${name}.d` : name)).join("/");
    files.set(
      path,
      Uint8Array.from({ length: whole(10) === 0 ? 100_000 : whole(200) }, () => whole(256)),
    );
  }
  return files;
}
