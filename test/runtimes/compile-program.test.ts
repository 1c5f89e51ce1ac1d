import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileProgram } from "../../runtimes/compile-program.ts";
import { keepProgram, keptFile, readKept } from "../../runtimes/kept-program.ts";
import { notTried } from "../support/not-tried.ts";

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
    const { TMPDIR = "/tmp" } = process.env;
    process.env.TMPDIR = folder;
    try {
      await assert.rejects(compileProgram(entry, OPTIONS), /Unexpected ";"/);
    } finally {
      process.env.TMPDIR = TMPDIR;
    }
    assert.deepEqual(readdirSync(folder), ["entry.ts", "other.ts"]);
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

  it("are not read from a file that is no kept program, or no file", () => {
    const file = join(folder, "kept.json");
    for (const text of [
      "null",
      "{}",
      "[]",
      '"kept"',
      '{"code":1,"hash":"","inputs":{}}',
      '{"code":"","hash":""}',
    ]) {
      writeFileSync(file, text);
      assert.equal(readKept(file), undefined, text);
    }
    rmSync(file);
    mkdirSync(file);
    assert.equal(readKept(file), undefined);
  });

  it("are compiled where they cannot be kept, and leave nothing in the cache", () => {
    const cache = join(folder, "cache");
    const module = (name: string) => JSON.stringify(new URL(`../../runtimes/${name}`, import.meta.url).href);
    const program = `
      import { mkdirSync } from "node:fs";
      import { keptFile } from ${module("kept-program.ts")};
      import { compileProgram } from ${module("compile-program.ts")};
      const [entry, other] = ${JSON.stringify([entry, other])};
      mkdirSync(keptFile([other]));
      const compiled = [await compileProgram(other, [])];
      process.env.TMPDIR = "/nowhere";
      compiled.push(await compileProgram(entry, ${JSON.stringify(OPTIONS)}));
      console.log(JSON.stringify(compiled));`;
    const env = { ...process.env, NODE_COMPILE_CACHE: cache, NODE_OPTIONS: "" };
    const options = { env, encoding: "utf8", timeout: 20_000 } as const;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", program], options);
    const [first, second] = JSON.parse(output) as string[];
    assert.match(first!, /var word = "one"/);
    assert.match(second!, /var word = "one"/);
    const isProgram = (path: string) => /programs\/./.test(path);
    const left = readdirSync(cache, { recursive: true, encoding: "utf8" }).filter(isProgram);
    // The folder in the way.
    assert.equal(left.length, 1);
  });

  it("are taken from the compile cache where Node has one", async function () {
    const file = keptFile([entry, ...OPTIONS]);
    if (file === undefined) notTried(this, "Node keeps no compile cache here");
    await compileProgram(entry, OPTIONS);
    const kept = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    const hash = createHash("sha256").update("of the cache").digest("hex");
    writeFileSync(file, JSON.stringify({ ...kept, code: "of the cache", hash }));
    assert.equal(await compileProgram(entry, OPTIONS), "of the cache");
    rmSync(file);
  });
});
