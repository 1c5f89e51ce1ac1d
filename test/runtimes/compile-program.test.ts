import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { compileProgram } from "../../runtimes/compile-program.ts";
import { keepProgram, keptFile, readKept } from "../../runtimes/kept-program.ts";

const OPTIONS = ["--format=esm"];

describe("the programs that Skiff compiles for itself", () => {
  let folder: string;
  let entry: string;
  let other: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-programs-"));
    entry = join(folder, "entry.ts");
    other = join(folder, "other.ts");
    writeFileSync(entry, 'import { word } from "./other.ts";\nconsole.log(word as string);\n');
    writeFileSync(other, 'export const word = "one";\n');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("are one file of plain JavaScript", async () => {
    const code = await compileProgram(entry, OPTIONS);
    assert.match(code, /var word = "one"/);
    assert.doesNotMatch(code, /as string|import /);
  });

  it("are compiled again when one of their modules changes", async () => {
    await compileProgram(entry, OPTIONS);
    writeFileSync(other, 'export const word = "two";\n');
    assert.match(await compileProgram(entry, OPTIONS), /var word = "two"/);
  });

  it("fail with the text of esbuild, and leave nothing", async () => {
    writeFileSync(other, "export const word = ;\n");
    await assert.rejects(compileProgram(entry, OPTIONS), /Unexpected ";"/);
    const cache = keptFile([entry]);
    const isLeft = (name: string) => existsSync(join(dirname(cache!), name, "program.js"));
    if (cache !== undefined) assert.deepEqual(readdirSync(dirname(cache)).filter(isLeft), []);
  });

  it("are read as they were kept until an input changes or is removed", () => {
    const file = join(folder, "kept.json");
    keepProgram(file, { code: "kept", inputs: [entry, other] });
    assert.equal(readKept(file), "kept");
    writeFileSync(other, "");
    assert.equal(readKept(file), undefined);
    keepProgram(file, { code: "newer", inputs: [entry, other] });
    assert.equal(readKept(file), "newer");
    rmSync(other);
    assert.equal(readKept(file), undefined);
  });

  it("are not read from a file that is absent, cut or changed", () => {
    const file = join(folder, "kept.json");
    assert.equal(readKept(file), undefined);
    keepProgram(file, { code: "kept", inputs: [entry] });
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.slice(0, 20));
    assert.equal(readKept(file), undefined);
    writeFileSync(file, text.replace('"kept"', '"left"'));
    assert.equal(readKept(file), undefined);
  });

  it("are taken from the compile cache where Node has one", async function () {
    const file = keptFile([entry, ...OPTIONS]);
    if (file === undefined) return this.skip();
    await compileProgram(entry, OPTIONS);
    const kept = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    const hash = createHash("sha256").update("of the cache").digest("hex");
    writeFileSync(file, JSON.stringify({ ...kept, code: "of the cache", hash }));
    assert.equal(await compileProgram(entry, OPTIONS), "of the cache");
    rmSync(file);
  });
});
