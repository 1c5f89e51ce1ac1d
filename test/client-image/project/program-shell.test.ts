import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../../client-image/project/program.sh", import.meta.url));

describe("the first process of a pod with a program", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-first-"));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  /** `deno` is a program that unpacks nothing, as this script says. */
  function start(parts: string, deno: string, program: string): ChildProcess {
    writeFileSync(join(folder, "deno"), `#!/bin/sh\n${deno}\n`, { mode: 0o755 });
    const env = { PATH: `${folder}:/usr/bin:/bin` };
    return spawn("/bin/sh", [SCRIPT, parts, folder, "sh", "-c", program], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
  }

  it("forwards SIGTERM to the program, and ends with its status", async () => {
    const first = start("-", "exit 9", 'trap "exit 3" TERM; echo on; while :; do sleep 0.05; done');
    await once(first.stdout!, "data");
    first.kill("SIGTERM");
    assert.deepEqual(await once(first, "exit"), [3, null]);
  });

  it("starts no program after a SIGTERM that came while it unpacked", async () => {
    const first = start("/parts", "echo unpacking; sleep 0.3", "echo started");
    const chunks: Buffer[] = [];
    first.stdout!.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(first.stdout!, "data");
    first.kill("SIGTERM");
    assert.deepEqual(await once(first, "close"), [0, null]);
    assert.equal(Buffer.concat(chunks).toString(), "unpacking\n");
  });

  it("ends if its files cannot be unpacked", async () => {
    assert.deepEqual(await once(start("/parts", "exit 9", "exit 0"), "exit"), [1, null]);
  });
});
