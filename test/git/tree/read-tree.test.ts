import assert from "node:assert/strict";
import { readTree } from "../../../manager/git/tree/read-tree.ts";
import { RawRepository } from "./raw-repository.ts";

describe("readTree", () => {
  let repository: RawRepository;
  before(() => {
    repository = new RawRepository();
  });
  after(() => repository.remove());

  const read = (tree: string) =>
    readTree(
      repository.git,
      { repository: repository.path, commit: repository.commit(tree) },
      { bytes: 10_000_000, files: 1_000 },
    );
  const folder = (name: string, id: string) => ({ name, id, mode: "40000" });
  const file = (name: string, content: string | Uint8Array, mode = "100644") => ({
    name,
    id: repository.blob(content),
    mode,
  });

  it("returns the bytes of each file as they are, in order", async () => {
    const all = Uint8Array.from({ length: 70_000 }, (_, at) => at % 256);
    const lines = "one\r\ntwo\n\n";
    const tree = repository.tree(
      file("a.txt", lines),
      file("b", all),
      file("empty", ""),
      folder("lib", repository.tree(file("x.ts", "export default 1"), file("ö ☃.ts", lines))),
    );
    const found = await read(tree);
    assert.deepEqual([...found.keys()], ["a.txt", "b", "empty", "lib/x.ts", "lib/ö ☃.ts"]);
    assert.equal(text(found.get("a.txt")), lines);
    assert.deepEqual(found.get("b"), all);
    assert.equal(found.get("empty")?.length, 0);
    assert.equal(text(found.get("lib/ö ☃.ts")), lines);
  });

  it("does not let attributes change a file", async () => {
    const attributes =
      "* text eol=crlf ident export-subst working-tree-encoding=UTF-16\nsecret export-ignore\n";
    const content = "$Id$ $Format:%H$\n";
    const found = await read(
      repository.tree(file(".gitattributes", attributes), file("a.txt", content), file("secret", content)),
    );
    assert.deepEqual([...found.keys()], ["a.txt", "secret"]);
    assert.equal(text(found.get("a.txt")), content);
  });

  it("leaves out what is for git and its hosts", async () => {
    const hosts = repository.tree(folder("workflows", repository.files("ci.yml")));
    const tree = repository.tree(
      folder(".github", hosts),
      file(".gitignore", "node_modules"),
      file(".gitlab-ci.yml", "a: 1"),
      file("index.ts", "export default 1"),
      folder("lib", repository.files(".gitkeep")),
    );
    assert.deepEqual([...(await read(tree)).keys()], ["index.ts"]);
  });

  it("copies what links lead to", async () => {
    const lib = repository.tree(file("a.ts", "a"), { ...file("up.sh", "../run.sh"), mode: "120000" });
    const tree = repository.tree(
      folder("lib", lib),
      { ...file("link.ts", "./other.ts"), mode: "120000" },
      { ...file("other.ts", "lib/../lib/a.ts"), mode: "120000" },
      file("run.sh", "#!/bin/sh", "100755"),
    );
    const found = await read(tree);
    assert.deepEqual([...found.keys()], ["lib/a.ts", "lib/up.sh", "link.ts", "other.ts", "run.sh"]);
    assert.equal(text(found.get("link.ts")), "a");
    assert.deepEqual([...found.executables], ["lib/up.sh", "run.sh"]);
  });

  it("leaves out links to programs of packages", async () => {
    const bin = repository.tree({ ...file("tool", "../missing/tool.js"), mode: "120000" });
    const tree = repository.tree(
      folder("node_modules", repository.tree(folder(".bin", bin), file("x", "x"))),
    );
    assert.deepEqual([...(await read(tree)).keys()], ["node_modules/x"]);
  });

  it("takes text about Git LFS for text", async () => {
    const about = "version https://git-lfs.github.com/spec/v1 begins a pointer\n";
    const long = `version https://git-lfs.github.com/spec/v1\n${"x".repeat(2_000)}`;
    assert.equal((await read(repository.tree(file("a", about), file("b", long)))).size, 2);
  });

  it("returns nothing for an empty tree", async () => {
    assert.equal((await read(repository.tree())).size, 0);
  });

  it("ends with its signal", async () => {
    const commit = repository.commit(repository.files("a"));
    const signal = AbortSignal.abort(new Error("the push is over"));
    const reading = readTree(
      repository.git,
      { repository: repository.path, commit, signal },
      { bytes: 1, files: 1 },
    );
    await assert.rejects(reading, /the push is over/);
  });
});

function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
