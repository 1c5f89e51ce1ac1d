import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HistoryDatabase } from "../../../store/sqlite/history-database.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { seededRandom, testSeed } from "../../support/seeded-random.ts";
import { newCall, Worker } from "../conformance/calls/new-call.ts";

const CUTS = 60;

/** What was acknowledged when the write-ahead log had so many bytes. */
interface Acknowledged {
  readonly bytes: number;
  readonly id: string;
  readonly isDone: boolean;
}

describe("the store in SQLite of a machine that loses power", () => {
  const folder = mkdtempSync(join(tmpdir(), "skiff-cut-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("has every acknowledged call, wherever the write-ahead log was cut after it", async function () {
    this.timeout(60_000);
    const random = seededRandom(testSeed());
    const file = join(folder, "history.db");
    const store = new SqliteStore({ file, print: assert.fail });
    await store.opened;
    const worker = new Worker(store);
    const acknowledged: Acknowledged[] = [];
    const note = (id: string, isDone: boolean) =>
      acknowledged.push({ bytes: statSync(`${file}-wal`).size, id, isDone });
    for (let round = 0; round < 25; round++) {
      await Promise.all([1, 2, 3].map(async () => note((await worker.enqueue(newCall()))[0]!, false)));
      const [call] = await worker.lease({ limit: 1 });
      await worker.done(call!);
      note(call!.id, true);
    }
    const main = readFileSync(file);
    const wal = readFileSync(`${file}-wal`);
    await store.close();

    const first = acknowledged[0]!.bytes;
    for (let cut = 0; cut < CUTS; cut++) {
      // Some at the end of an acknowledged commit, the others in the middle of what came after it.
      const ends = acknowledged.map(({ bytes }) => bytes);
      const at =
        cut % 3 === 0
          ? ends[Math.floor(random() * ends.length)]!
          : first + Math.floor(random() * (wal.length - first));
      const copy = join(folder, `cut-${cut}.db`);
      writeFileSync(copy, main);
      const garbage = Buffer.from(Array.from({ length: 3_000 }, () => Math.floor(random() * 256)));
      writeFileSync(`${copy}-wal`, Buffer.concat([wal.subarray(0, at), ...(cut % 2 === 0 ? [garbage] : [])]));
      const database = new HistoryDatabase(copy);
      for (const { bytes, id, isDone } of acknowledged) {
        if (bytes > at) continue;
        const [outcome] = database.runAll([{ method: "getCall", args: [id] }]);
        const { result } = outcome as { result: { state: string } | undefined };
        assert.ok(result !== undefined, `cut at ${at}: ${id} of ${bytes} is lost`);
        if (isDone) assert.equal(result.state, "done");
      }
      database.close();
    }
  });
});
