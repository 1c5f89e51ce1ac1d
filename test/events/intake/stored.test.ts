import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { NOW, type StartedIntake, startIntake } from "./started-intake.ts";

interface Accepted {
  readonly id?: string;
  readonly code?: string;
}

describe("asynchronous requests with a store on a disk", () => {
  let folder: string;
  let store: SqliteStore;
  let intake: StartedIntake;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "skiff-intake-"));
    store = new SqliteStore({ file: join(folder, "history.db"), print: assert.fail });
    intake = await startIntake({ SKIFF_MAX_QUEUED: "5" }, undefined, store.calls);
  });
  after(async () => {
    await intake.stop();
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const send = async (key: string, body: string): Promise<readonly [number, string | undefined, boolean]> => {
    const headers = { "idempotency-key": key, "content-type": "text/plain" };
    const response = await intake.send("/async/fn/hello/x?delay=1h", { method: "POST", body, headers });
    const { id, code } = (await response.json()) as Accepted;
    return [response.status, id ?? code, response.headers.has("idempotency-replayed")];
  };

  it("are there as they came, when they are acknowledged", async () => {
    const [, id] = await send("first", "text");
    const record = await store.calls.get(id!);
    assert.deepEqual(
      [record?.state, record?.dueAt, record?.request.path],
      ["waiting", NOW + 3_600_000, "/x"],
    );
    assert.deepEqual(Buffer.from((record!.request.body as { inline: Uint8Array }).inline).toString(), "text");
  });

  it("with one Idempotency-Key are one call, also at the same time", async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => send("k", "same")));
    assert.equal(new Set(outcomes.map(([, id]) => id)).size, 1);
    assert.equal(outcomes.filter(([status, , isReplayed]) => status === 202 && isReplayed).length, 9);
    assert.deepEqual(await send("k", "other"), [422, "idempotency_key_reused", false]);
    const [totals] = await store.calls.totals();
    assert.deepEqual([totals!.queue, totals!.accepted, totals!.waiting], ["fn/hello", 2, 2]);
  });

  it("are refused when as many wait as may", async () => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, i) => send(`n${i}`, "text")));
    assert.equal(outcomes.filter(([status]) => status === 202).length, 3);
    for (const [status, code] of outcomes)
      if (status !== 202) assert.deepEqual([status, code], [429, "too_many_waiting"]);
    // What waits already may be repeated.
    assert.deepEqual((await send("k", "same"))[0], 202);
  });

  it("are not acknowledged once the store is closed", async () => {
    await store.close();
    assert.deepEqual((await send("late", "text")).slice(0, 2), [503, "draining"]);
  });
});
