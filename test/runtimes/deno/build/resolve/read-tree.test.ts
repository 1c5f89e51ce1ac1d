import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Problem } from "../../../../../platform/problems.ts";
import { readTree } from "../../../../../runtimes/deno/build/resolve/read-tree.ts";

describe("reading the tree of a project", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "skiff-tree-"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (...paths: string[]) => {
    for (const path of paths) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), path);
    }
  };
  const tooLarge = () => new Problem("build_failed", "too large", {});
  const read = (...posted: string[]) => {
    const files = new Map(posted.map((path) => [path, new Uint8Array()]));
    return [...readTree(root, files, tooLarge).keys()];
  };

  it("takes the files of the source as they are, in the same order every time", () => {
    write("main.ts", "lib/types.d.ts", "b.js.map", "a/b.ts", "vendor/x.example/a.d.ts");
    assert.deepEqual(read(), ["a/b.ts", "b.js.map", "lib/types.d.ts", "main.ts", "vendor/x.example/a.d.ts"]);
  });

  it("leaves out what no package needs to run", () => {
    const needed = ["node_modules/x/index.js", "node_modules/x/package.json", "node_modules/x/README.md"];
    write(
      ...needed,
      "node_modules/x/index.d.ts",
      "node_modules/x/index.d.mts",
      "node_modules/x/index.js.map",
    );
    write(
      "node_modules/x/index.mjs",
      "node_modules/x/build/x.node",
      "node_modules/.deno/.deno.lock",
      "node_modules/.bin/x",
    );
    assert.deepEqual(read(), [...needed, "node_modules/x/index.mjs"].sort());
  });

  it("keeps what has another purpose, and what was posted", () => {
    const kept = ["node_modules/typescript/lib/lib.es5.d.ts", "node_modules/x/data.map"];
    const posted = ["node_modules/own/index.d.ts", "node_modules/own/index.js", "node_modules/own/x.node"];
    write(...kept, ...posted);
    assert.deepEqual(read(...posted), [...posted, ...kept].sort());
  });

  it("follows no link", () => {
    write("main.ts");
    symlinkSync("/etc", join(root, "folder"));
    symlinkSync("/etc/passwd", join(root, "file"));
    assert.deepEqual(read(), ["main.ts"]);
  });

  it("refuses more than an instance can unpack", () => {
    write("large");
    truncateSync(join(root, "large"), 256 * 1024 ** 2 + 1);
    assert.throws(() => read(), /too large/);
  });
});
