import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { eventually } from "../../support/eventually.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";

const PROGRAM = fileURLToPath(new URL("appending.ts", import.meta.url));
const ROUNDS = 5;

describe("the store in SQLite of a program that is killed", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-history-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it(`has every acknowledged entry once, ${ROUNDS} times in a row`, async function () {
    this.timeout(60_000);
    const random = seededRandom(testSeed());
    const file = join(folder, "history.db");
    const acknowledged = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [PROGRAM, file, String(round * 1_000_000)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk;
      });
      const enough = 50 + Math.floor(random() * 300);
      await eventually("entries are acknowledged", () => output.split("\n").length > enough);
      child.kill("SIGKILL");
      await once(child, "close");
      // A line that was cut short is not acknowledged.
      for (const number of output.split("\n").slice(0, -1)) acknowledged.add(number);
    }
    const store = new SqliteStore({ file, print: assert.fail });
    const kept = (await store.audit.list({ limit: 10_000_000 })).map(({ target }) => target);
    await store.close();
    assert.equal(new Set(kept).size, kept.length, "none is there twice");
    const lost = new Set(acknowledged).difference(new Set(kept));
    assert.deepEqual([...lost], []);
    assert.ok(acknowledged.size >= ROUNDS * 50);
  });
});
