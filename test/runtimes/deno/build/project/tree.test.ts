import assert from "node:assert/strict";
import { projectOf } from "./running.ts";

const main = "export default () => 1;";
const pathsOf = async (texts: Record<string, string>) => {
  const { files } = await projectOf(texts);
  return [...files.keys()].filter((path) => path !== "deno.json").sort();
};

describe("the tree of a project", () => {
  it("begins below the folders around everything", async () => {
    assert.deepEqual(await pathsOf({ "shop-main/app/main.ts": main, "shop-main/app/lib/a.ts": main }), [
      "lib/a.ts",
      "main.ts",
    ]);
  });

  it("looks through a folder with what archive programs of macOS leave beside it", async () => {
    const found = await pathsOf({
      "shop/main.ts": main,
      "__MACOSX/shop/._main.ts": "x",
      ".DS_Store": "x",
      "shop/.DS_Store": "x",
    });
    assert.deepEqual(found, ["main.ts"]);
  });

  it("keeps src, which has a meaning", async () => {
    assert.deepEqual(await pathsOf({ "src/main.ts": main }), ["src/main.ts"]);
  });

  it("leaves out what no function needs", async () => {
    const found = await pathsOf({
      "main.ts": main,
      "other.ts": main,
      ".git/config": "x",
      ".github/ci.yml": "x",
      "node_modules/.bin/tool": "x",
      "node_modules/.cache/x/y": "x",
      "node_modules/a/index.js": "x",
    });
    assert.deepEqual(found, [".github/ci.yml", "main.ts", "node_modules/a/index.js", "other.ts"]);
  });
});
