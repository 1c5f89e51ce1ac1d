import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { denoPath } from "../../../runtimes/deno/deno-binary.ts";
import { packedProject } from "../../support/packed-project.ts";

const PROGRAM = fileURLToPath(new URL("../../../client-image/project/unpack-project.ts", import.meta.url));

describe("unpacking the project of a pod", () => {
  let folder: string;
  let parts: string;
  let project: string;
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), "skiff-unpack-")));
    [parts, project] = [join(folder, "parts"), join(folder, "project")];
    mkdirSync(parts);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Cuts an artifact into parts, as ConfigMaps hold them. */
  const place = (artifact: Uint8Array) => {
    const packed = gzipSync(artifact);
    const half = Math.ceil(packed.length / 2);
    writeFileSync(join(parts, "00001"), packed.subarray(half));
    writeFileSync(join(parts, "00000"), packed.subarray(0, half));
    mkdirSync(join(parts, "..data"));
  };
  const unpack = () =>
    promisify(execFile)(
      denoPath(),
      [
        ...["run", "--quiet", "--no-prompt", "--no-config", `--allow-read=${parts},${project}`],
        ...[`--allow-write=${project}`, PROGRAM, parts, project],
      ],
      { env: { DENO_DIR: join(folder, "deno"), NO_COLOR: "1" }, timeout: 20_000 },
    );

  it("writes all files from all parts, and nothing of an earlier one", async () => {
    mkdirSync(project);
    writeFileSync(join(project, "left.ts"), "left");
    place(packedProject({ "main.ts": "1", "a/b/c.ts": "x".repeat(100_000) }));
    await unpack();
    assert.equal(readFileSync(join(project, "a/b/c.ts"), "utf8").length, 100_000);
    assert.equal(readFileSync(join(project, "main.ts"), "utf8"), "1");
    assert.equal(existsSync(join(project, "left.ts")), false);
  });

  it("fails if it is damaged", async () => {
    place(packedProject({ "main.ts": "1" }).subarray(0, -20));
    await assert.rejects(unpack());
    assert.equal(existsSync(join(project, "main.ts")), false);
  });

  it("fails for a path that leaves the folder, and writes nothing", async () => {
    place(packedProject({ "../evil.ts": "1" }));
    await assert.rejects(unpack(), /leaves the project/);
    assert.equal(existsSync(join(folder, "evil.ts")), false);
  });
});
