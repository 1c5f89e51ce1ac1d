import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { audit } from "../conformance/audit.ts";
import { bodies } from "../conformance/bodies.ts";
import { calls } from "../conformance/calls/calls.ts";
import { runs } from "../conformance/runs/runs.ts";
import type { Harness } from "../conformance/subject.ts";
import { timers } from "../conformance/timers.ts";
import { topics } from "../conformance/topics.ts";
import { usage } from "../conformance/usage.ts";

const places = new Map<SqliteStore, string>();

async function openIn(folder: string): Promise<SqliteStore> {
  const store = new SqliteStore({ file: join(folder, "history.db"), print: assert.fail });
  places.set(store, folder);
  await store.opened;
  return store;
}

const harness: Harness<SqliteStore> = {
  open: () => openIn(mkdtempSync(join(tmpdir(), "skiff-test-history-"))),
  reopen: async (store) => {
    await store.close();
    return await openIn(places.get(store)!);
  },
  dispose: async () => {
    for (const store of places.keys()) await store.close();
    for (const folder of places.values()) rmSync(folder, { recursive: true, force: true });
    places.clear();
  },
};

describe("the store in SQLite", () => {
  usage(harness);
  audit(harness);
  topics(harness);
  timers(harness);
  calls(harness);
  bodies(harness);
  runs(harness);

  describe("its file", () => {
    afterEach(() => harness.dispose());

    const opening = (store: SqliteStore) => openIn(places.get(store)!);

    it("belongs to one store", async () => {
      const store = await harness.open();
      await assert.rejects(opening(store), /history\.db is in use by another Skiff/);
    });

    it("is refused when a newer Skiff wrote it", async () => {
      const store = await harness.open();
      await store.close();
      const db = new DatabaseSync(join(places.get(store)!, "history.db"));
      db.exec("PRAGMA user_version = 1000");
      db.close();
      await assert.rejects(opening(store), /was written by a newer Skiff \(schema 1000\)/);
    });

    it("is reported when it is broken, at the start and by every request", async () => {
      const store = await harness.open();
      await store.close();
      writeFileSync(join(places.get(store)!, "history.db"), "no database".repeat(1_000));
      const broken = new SqliteStore({
        file: join(places.get(store)!, "history.db"),
        print: assert.fail,
      });
      await assert.rejects(broken.opened, /cannot be used: file is not a database; restore it/);
      await assert.rejects(broken.audit.list({ limit: 1 }), {
        code: "store_unavailable",
        detail: /The store cannot be reached: .*history\.db cannot be used/,
      });
      await broken.close();
    });
  });
});
