import assert from "node:assert/strict";
import { readTree } from "../../../manager/git/tree/read-tree.ts";
import { Problem } from "../../../platform/problems.ts";
import { RawRepository } from "./raw-repository.ts";

const LIMITS = { bytes: 100_000, files: 100 };

describe("a hostile tree", () => {
  let repository: RawRepository;
  before(() => {
    repository = new RawRepository();
  });
  after(() => repository.remove());

  const read = (tree: string) =>
    readTree(repository.git, { repository: repository.path, commit: repository.commit(tree) }, LIMITS);

  const link = (target: string, name = "link") => ({ name, id: repository.blob(target), mode: "120000" });
  const folder = (name: string, id: string) => ({ name, id, mode: "40000" });
  const file = (name: string | Buffer, content = "content") => ({ name, id: repository.blob(content) });
  /** Folders in each other. */
  const nested = (depth: number, name: string) => {
    let id = repository.files("x");
    for (let at = 0; at < depth; at++) id = repository.tree(folder(name, id));
    return id;
  };

  const hostile: readonly [what: string, tree: () => string, line: RegExp][] = [
    [
      "a submodule",
      () => repository.tree({ name: "lib", id: "1".repeat(40), mode: "160000" }),
      /^"lib" is a submodule: commit its files instead/,
    ],
    [
      "a pointer of Git LFS",
      () =>
        repository.tree(
          file(
            "big.bin",
            `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 5\n`,
          ),
        ),
      /^"big.bin" is a pointer of Git LFS/,
    ],
    [
      "a link out of the tree",
      () => repository.tree(link("../../etc/passwd")),
      /^"link" is a link to "..\/..\/etc\/passwd", which leads out of the tree/,
    ],
    ["an absolute link", () => repository.tree(link("/etc/passwd")), /which leads out of the tree/],
    ["a link that dangles", () => repository.tree(link("nothing.ts")), /which is not in the tree: commit it/],
    [
      "a link to a folder",
      () => repository.tree(folder("lib", repository.files("x")), link("lib")),
      /which is a folder: link its files/,
    ],
    ["a link to the root", () => repository.tree(link(".")), /which is a folder/],
    ["a link to itself", () => repository.tree(link("link")), /which leads back to itself/],
    [
      "links to each other",
      () => repository.tree(link("b", "a"), link("a", "b")),
      /^"a" is a link to "b", which leads back to itself: remove the link.\n"b" is a link/,
    ],
    [
      "a link with a long target",
      () => repository.tree(link("x/".repeat(600))),
      /is a link to a path that is too long/,
    ],
    [
      "a folder .git",
      () => repository.tree(folder(".git", repository.files("config"))),
      /^".git" is a name of git's own folder/,
    ],
    ["a folder .GIT", () => repository.tree(folder(".GIT", repository.files("config"))), /git's own folder/],
    [
      ".git deep down",
      () => repository.tree(folder("a", repository.tree(folder(".Git", repository.files("hooks"))))),
      /^"a\/.Git" is a name of git's own folder/,
    ],
    ["the short name of .git", () => repository.files("GIT~1"), /git's own folder/],
    [".git with a space", () => repository.files(".git "), /git's own folder/],
    [".git with dots", () => repository.files(".git. ."), /git's own folder/],
    [".git with a character that macOS ignores", () => repository.files(".g\u200cit"), /git's own folder/],
    [".git with a stream of NTFS", () => repository.files(".git::$INDEX_ALLOCATION"), /git's own folder/],
    [".git behind a backslash", () => repository.files(".git\\config"), /has a backslash in its path/],
    ["a backslash", () => repository.files("..\\..\\x"), /has a backslash in its path/],
    [
      "a folder ..",
      () => repository.tree(folder("..", repository.files("x"))),
      /^".." leads out of its folder/,
    ],
    ["a path with ..", () => repository.files("../../etc/x"), /leads out of its folder/],
    ["an absolute path", () => repository.files("/etc/x"), /leads out of its folder/],
    ["a drive of Windows", () => repository.files("C:x"), /begins like a drive/],
    [
      "a line end in a name",
      () => repository.files("a\nremote: deployed"),
      /^"a\\nremote: deployed" has a control character/,
    ],
    ["an escape in a name", () => repository.files("\u001b[31mred"), /has a control character/],
    [
      "a name that is not UTF-8",
      () => repository.tree(file(Buffer.from([0x61, 0xff]))),
      /is not UTF-8: rename it/,
    ],
    ["a long name", () => repository.files("n".repeat(256)), /has a name over 255 bytes/],
    ["folders within folders", () => nested(1_100, "d"), /^The commit has over 100 folders/],
    ["a long path", () => nested(6, "d".repeat(200)), /has a path over 1000 bytes/],
    [
      "files that differ by case",
      () => repository.files("A.ts", "a.ts"),
      /^"A.ts" and "a.ts" are one file on macOS and Windows: rename one.$/,
    ],
    [
      "folders that differ by case",
      () => repository.tree(folder("Lib", repository.files("x")), folder("lib", repository.files("y"))),
      /^"Lib" and "lib" are one file/,
    ],
    [
      "files that differ by composition",
      () => repository.files("e\u0301", "\u00e9"),
      /are one file on macOS/,
    ],
    ["a file twice", () => repository.files("a", "a"), /^"a" is in the tree twice/],
    [
      "a file and a folder",
      () => repository.tree(file("a"), folder("a", repository.files("x"))),
      /^"a" is in the tree twice/,
    ],
    ["an unknown mode", () => repository.tree({ ...file("pipe"), mode: "10644" }), /^"pipe" is a submodule/],
    [
      "too many files",
      () => repository.files(...Array.from({ length: 101 }, (_, at) => `f${1_000 + at}`)),
      /^The commit has over 100 files/,
    ],
    [
      "too many bytes",
      () => repository.tree(file("a", "a".repeat(60_000)), file("b", "b".repeat(60_000))),
      /have 117.2 KiB, over 97.7 KiB \(SKIFF_MAX_SOURCE\)/,
    ],
    [
      "one blob in many files",
      () => repository.tree(...[1, 2, 3].map((at) => file(`${at}`, "a".repeat(40_000)))),
      /SKIFF_MAX_SOURCE/,
    ],
    [
      "one blob behind many links",
      () => repository.tree(file("a", "a".repeat(60_000)), link("a")),
      /have 117.2 KiB, over 97.7 KiB \(SKIFF_MAX_SOURCE\)/,
    ],
    [
      "a file whose content is missing",
      () => repository.tree({ name: "a", id: "2".repeat(40) }),
      /"a" has no content/,
    ],
    [
      "a folder in place of a file",
      () => repository.tree({ name: "a", id: repository.files("x") }),
      /"a" has no content/,
    ],
  ];

  for (const [what, tree, line] of hostile) {
    it(`is refused: ${what}`, async () => {
      await assert.rejects(read(tree()), (error) => {
        assert.ok(error instanceof Problem, String(error));
        assert.equal(error.code, "push_refused");
        assert.match(error.detail, line);
        return true;
      });
    });
  }

  it("of folders that hold each other a billion times costs little", async () => {
    for (const leaf of [repository.files("x"), repository.tree()]) {
      let id = leaf;
      const names = Array.from({ length: 10 }, (_, at) => `d${at}`);
      for (let depth = 0; depth < 9; depth++) id = repository.tree(...names.map((name) => folder(name, id)));
      const before = performance.now();
      await assert.rejects(read(id), { detail: /^The commit has over 100 (files|folders)/ });
      assert.ok(performance.now() - before < 5_000);
    }
  });

  it("has at most ten lines of faults", async () => {
    const names = Array.from({ length: 50 }, (_, at) => `f${at + 10}\\`);
    await assert.rejects(read(repository.files(...names)), (error) => {
      assert.equal((error as Problem).detail.split("\n").length, 10);
      return true;
    });
  });
});
