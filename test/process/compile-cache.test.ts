import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MODULE = new URL("../../process/compile-cache.ts", import.meta.url).href;
const PROGRAM = `
  import { getCompileCacheDir } from "node:module";
  const { keepCompiled } = await import(${JSON.stringify(MODULE)});
  keepCompiled(JSON.parse(process.argv[1]));
  console.log(JSON.stringify([getCompileCacheDir(), process.env.NODE_COMPILE_CACHE]));
`;

describe("the compile cache", () => {
  let folder: string;
  let good: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-compiled-"));
    good = join(folder, "made", "here");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Where a process keeps what it compiled, and where its threads will. */
  function kept(folders: readonly string[], env: Record<string, string> = {}) {
    const program = ["--input-type=module", "-e", PROGRAM, JSON.stringify(folders)];
    const text = execFileSync(process.execPath, program, { encoding: "utf8", env });
    const [place, variable] = JSON.parse(text) as (string | null)[];
    return { place, variable };
  }

  it("is made for this user alone, and threads take part", () => {
    const { place, variable } = kept([good]);
    assert.ok(place?.startsWith(`${good}/`), String(place));
    assert.equal(variable, good);
    assert.equal(statSync(good).mode & 0o777, 0o700);
  });

  it("is in the next folder where the first cannot be used or others can write", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const shared = join(folder, "shared");
    mkdirSync(shared);
    chmodSync(shared, 0o770);
    assert.equal(kept([join(file, "in"), file, shared, good]).variable, good);
  });

  it("is nowhere if no folder can be used", () => {
    const { place, variable } = kept([join(MODULE.slice("file://".length), "in")]);
    assert.equal(place, null);
    assert.equal(variable, null);
  });

  it("stays where the operator has put it", () => {
    const own = join(folder, "own");
    const { place, variable } = kept([good], { NODE_COMPILE_CACHE: own });
    assert.ok(place?.startsWith(`${own}/`), String(place));
    assert.equal(variable, own);
  });
});
