import assert from "node:assert/strict";
import { readTree } from "../../../manager/git/tree/read-tree.ts";
import { Problem } from "../../../platform/problems.ts";
import { type RawEntry, RawRepository } from "./raw-repository.ts";

const LIMITS = { bytes: 100_000, files: 100 };
const GIT_FOLDER = "is a name of git's own folder on some systems: remove it from the tree.";

describe("a hostile tree", () => {
  let repository: RawRepository;
  before(() => {
    repository = new RawRepository();
  });
  after(() => repository.remove());

  const read = (tree: string) =>
    readTree(repository.git, { repository: repository.path, commit: repository.commit(tree) }, LIMITS);
  const link = (target: string, name = "link") => ({ name, id: repository.blob(target), mode: "120000" });
  const folder = (name: string, id = repository.files("x")) => ({ name, id, mode: "40000" });
  const file = (name: string | Buffer, content = "content") => ({ name, id: repository.blob(content) });
  /** Folders in each other. */
  const nested = (depth: number, name: string) => {
    let id = repository.files("x");
    for (let at = 0; at < depth; at++) id = repository.tree(folder(name, id));
    return id;
  };
  /** Folders that hold each other a billion times. */
  const endless = (leaf: string) => {
    let id = leaf;
    const names = Array.from({ length: 10 }, (_, at) => `d${at}`);
    for (let depth = 0; depth < 9; depth++) id = repository.tree(...names.map((name) => folder(name, id)));
    return id;
  };

  async function linesOf(tree: string): Promise<string[]> {
    try {
      await read(tree);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      assert.equal(error.code, "push_refused");
      return error.detail.split("\n");
    }
    return assert.fail("it was not refused");
  }

  /** Each entry is refused, with its line. */
  async function assertRefused(
    expected: readonly (readonly [entry: RawEntry, line: string])[],
  ): Promise<void> {
    const lines = await linesOf(repository.tree(...expected.map(([entry]) => entry)));
    assert.deepEqual(
      lines,
      expected.map(([, line]) => line),
    );
  }

  it("has the folder of git by other names", () =>
    assertRefused([
      [folder(".git"), `".git" ${GIT_FOLDER}`],
      [folder(".GIT"), `".GIT" ${GIT_FOLDER}`],
      [folder("a", repository.tree(folder(".Git"))), `"a/.Git" ${GIT_FOLDER}`],
      [file("GIT~1"), `"GIT~1" ${GIT_FOLDER}`],
      [file(".git "), `".git " ${GIT_FOLDER}`],
      [file(".git. ."), `".git. ." ${GIT_FOLDER}`],
      [file(".g\u200cit"), `".g\u200cit" ${GIT_FOLDER}`],
      [file("\ufeff.Git"), `"\ufeff.Git" ${GIT_FOLDER}`],
      [file(".git::$INDEX_ALLOCATION"), `".git::$INDEX_ALLOCATION" ${GIT_FOLDER}`],
    ]));

  it("leads out of its folder", () =>
    assertRefused([
      [folder(".."), '".." leads out of its folder: remove it from the tree.'],
      [file("x/../../y"), '"x/../../y" leads out of its folder: remove it from the tree.'],
      [file("/etc/x"), '"/etc/x" leads out of its folder: remove it from the tree.'],
      [file("a/./x"), '"a/./x" leads out of its folder: remove it from the tree.'],
      [file("..\\..\\x"), '"..\\\\..\\\\x" has a backslash in its path: rename it.'],
      [file(".git\\config"), '".git\\\\config" has a backslash in its path: rename it.'],
      [file("C:x"), '"C:x" begins like a drive of Windows: rename it.'],
    ]));

  it("has names that deceive", () =>
    assertRefused([
      [file("a\nremote: deployed"), '"a\\nremote: deployed" has a control character in its path: rename it.'],
      [file("\u001b[31mred"), '"\\u001b[31mred" has a control character in its path: rename it.'],
      [file(Buffer.from([0x61, 0xff])), '"a\ufffd" is not UTF-8: rename it.'],
      [file("n".repeat(256)), `"${"n".repeat(100)}" has a name over 255 bytes: use a shorter one.`],
    ]));

  it("has several names for one file", async () => {
    const names = ["A.ts", "a.ts", "e\u0301", "\u00e9", "twice", "twice"];
    const entries = [
      ...names.map((name) => file(name)),
      folder("Lib"),
      folder("lib"),
      file("both"),
      folder("both"),
    ];
    assert.deepEqual(await linesOf(repository.tree(...entries)), [
      '"A.ts" and "a.ts" are one file on macOS and Windows: rename one.',
      '"e\u0301" and "\u00e9" are one file on macOS and Windows: rename one.',
      '"twice" is in the tree twice: remove one.',
      '"Lib" and "lib" are one file on macOS and Windows: rename one.',
      '"both" is in the tree twice: remove one.',
    ]);
  });

  it("has files that are none", () =>
    assertRefused([
      [
        { name: "lib", id: "1".repeat(40), mode: "160000" },
        '"lib" is a submodule: commit its files instead (git rm --cached, then git add).',
      ],
      [
        { ...file("pipe"), mode: "10644" },
        '"pipe" is a submodule: commit its files instead (git rm --cached, then git add).',
      ],
      [{ name: "gone", id: "2".repeat(40) }, '"gone" has no content in the repository: push it again.'],
      [link("x/".repeat(600), "far"), '"far" is a link to a path that is too long.'],
    ]));

  it("has a folder in place of a file", async () => {
    const lines = await linesOf(repository.tree({ name: "a", id: repository.files("x") }));
    assert.deepEqual(lines, ['"a" has no content in the repository: push it again.']);
  });

  it("has links that lead to no file of it", async () => {
    const links = [
      link("../../etc/passwd", "a"),
      link("/etc/passwd", "b"),
      link("nothing.ts", "c"),
      link("lib", "d"),
      link(".", "e"),
      link("f", "f"),
      link("h", "g"),
      link("g", "h"),
    ];
    assert.deepEqual(await linesOf(repository.tree(...links, folder("lib"))), [
      '"a" is a link to "../../etc/passwd", which leads out of the tree: commit the file itself.',
      '"b" is a link to "/etc/passwd", which leads out of the tree: commit the file itself.',
      '"c" is a link to "nothing.ts", which is not in the tree: commit it, or remove the link.',
      '"d" is a link to "lib", which is a folder: link its files, or commit copies.',
      '"e" is a link to ".", which is a folder: link its files, or commit copies.',
      '"f" is a link to "f", which leads back to itself: remove the link.',
      '"g" is a link to "h", which leads back to itself: remove the link.',
      '"h" is a link to "g", which leads back to itself: remove the link.',
    ]);
  });

  it("has pointers of Git LFS", () => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`;
    return assertRefused([
      [
        file("big.bin", pointer),
        '"big.bin" is a pointer of Git LFS: commit the file itself (git lfs migrate export).',
      ],
    ]);
  });

  const large: readonly [what: string, tree: () => string, line: RegExp][] = [
    [
      "files",
      () => repository.files(...Array.from({ length: 101 }, (_, at) => `f${1_000 + at}`)),
      /^The commit has over 100 files: remove what the function does not need, such as node_modules.$/,
    ],
    ["files without end", () => endless(repository.files("x")), /^The commit has over 100 (files|folders)/],
    ["folders without end", () => endless(repository.tree()), /^The commit has over 100 folders/],
    ["folders within folders", () => nested(1_100, "d"), /^The commit has over 100 folders/],
    [
      "long paths",
      () => nested(6, "d".repeat(200)),
      /^"d+" has a path over 1000 bytes: use shorter names or fewer folders.$/,
    ],
    [
      "bytes",
      () => repository.tree(file("a", "a".repeat(60_000)), file("b", "b".repeat(60_000))),
      /^The files of the commit have 117.2 KiB, over 97.7 KiB \(SKIFF_MAX_SOURCE\): remove what is not needed.$/,
    ],
    [
      "bytes of one blob",
      () => repository.tree(...[1, 2, 3].map((at) => file(`${at}`, "a".repeat(40_000)))),
      /have 117.2 KiB, over/,
    ],
    [
      "bytes behind links",
      () => repository.tree(file("a", "a".repeat(60_000)), link("a")),
      /have 117.2 KiB, over/,
    ],
    [
      "faults",
      () => repository.files(...Array.from({ length: 50 }, (_, at) => `f${at + 10}\\`)),
      /^"f10\\\\" has.*\n(.*\n){8}"f19\\\\" has a backslash in its path: rename it.$/,
    ],
  ];
  for (const [what, tree, line] of large) {
    it(`has too many ${what}`, async () => {
      const id = tree();
      const before = performance.now();
      assert.match((await linesOf(id)).join("\n"), line);
      assert.ok(performance.now() - before < 10_000, "git walks a billion entries for minutes");
    });
  }
});
