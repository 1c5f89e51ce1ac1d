import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BENCH = fileURLToPath(new URL("../../bench", import.meta.url));
const read = (path: string) => readFileSync(join(BENCH, path), "utf8");

describe("benchmarks of programs", () => {
  const files = globSync("programs/*.ts", { cwd: BENCH }).sort();

  it("are found", () => assert.ok(files.length > 0));

  for (const file of files) {
    it(`has ${file} in npm run bench and in its document`, () => {
      assert.ok(read("main.ts").includes(`from "./${file}"`), `bench/main.ts does not import ${file}`);
      assert.ok(read("README.md").includes(`node bench/${file}`), `bench/README.md does not name ${file}`);
    });
  }
});

describe("docs/isolation.md", () => {
  it("tells the user of an image as docs/images.md does", () => {
    const isolation = readFileSync(join(BENCH, "../docs/isolation.md"), "utf8");
    const images = isolation.slice(isolation.indexOf("\n## Images\n"));
    const row = images.split("\n").find((line) => line.startsWith("| the user |"));
    assert.match(row ?? "", /\| \*\*open\*\*: that of the image\..*root.*\| never root: always 1993 \|$/);
  });
});
