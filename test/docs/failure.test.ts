import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const DOCUMENT = readFileSync(fileURLToPath(new URL("../../docs/failure.md", import.meta.url)), "utf8");
/** Rows of its tables, without heads and rules. */
const ROWS = DOCUMENT.split("\n").filter((line) => /^\| (?!failure |-)/.test(line));

describe("docs/failure.md", () => {
  it("has rows", () => assert.ok(ROWS.length >= 15));

  for (const row of ROWS) {
    const [, failure = "", ...cells] = row.split("|").map((cell) => cell.trim());
    it(`names tests that exist for: ${failure}`, () => {
      assert.equal(cells.length, 4, "a row has four columns");
      for (const part of cells[2]!.split(" · ")) {
        const [, file, title] = /^`([\w/.-]+\.ts)`: (.+)$/.exec(part) ?? [];
        assert.ok(file && title, `no test is named by: ${part}`);
        const source = readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), "utf8");
        assert.ok(source.includes(`it("${title}"`), `${file} has no test "${title}"`);
      }
    });
  }
});
