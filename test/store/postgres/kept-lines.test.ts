import assert from "node:assert/strict";
import { limitsFromEnv } from "../../../platform/limits.ts";
import type { LogLine } from "../../../platform/platform.ts";
import { LogSweeper } from "../../../store/postgres/log-sweeper.ts";
import type { PostgresStore } from "../../../store/postgres/postgres-store.ts";
import type { KeptLine } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { DAY_MS, PostgresHarness } from "./open-store.ts";

const MIB = 1024 ** 2;
const harness = new PostgresHarness();

const line = (text: string, at = new Date()): LogLine => ({ at, instance: "i", stream: "stdout", text });
const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);
const read = (store: PostgresStore, name = "hello") => Array.fromAsync(store.logs.read(name, {}));

async function removeAll(store: PostgresStore, now = new Date()): Promise<void> {
  for (let batch = 0; await store.removeOld(now); batch++) assert.ok(batch < 1_000, "it ends");
}

describe("lines in PostgreSQL", function () {
  this.timeout(60_000);
  afterEach(() => harness.dispose());

  it("are removed when they are too old", async () => {
    const store = await harness.open();
    const now = Date.now();
    await store.logs.append("hello", [line("old", new Date(now - 8 * DAY_MS))]);
    await store.logs.append("hello", [line("old", new Date(now - 8 * DAY_MS)), line("new")]);
    await removeAll(store);
    assert.deepEqual(texts(await read(store)), ["old", "new"]);
    await removeAll(store, new Date(now + 8 * DAY_MS));
    assert.deepEqual(await read(store), []);
  });

  it("are at most as many bytes as the function may have, the newest", async () => {
    const store = await harness.open({
      limits: { ...limitsFromEnv({}), logAgeMs: 7 * DAY_MS, logBytes: MIB },
    });
    const text = "x".repeat(1_000);
    for (let batch = 0; batch < 80; batch++) {
      await store.logs.append(
        "hello",
        Array.from({ length: 100 }, (_, index) => line(`${batch}-${index} ${text}`)),
      );
    }
    await store.logs.append("other", [line("stays")]);
    const bytes = (lines: readonly KeptLine[]) => lines.reduce((sum, { text: each }) => sum + each.length, 0);
    assert.ok(bytes(await read(store)) < 6 * MIB, "appending bounds them");
    await removeAll(store);
    const kept = await read(store);
    assert.ok(bytes(kept) < MIB && bytes(kept) > 0.7 * MIB, `${bytes(kept)} bytes are kept`);
    assert.ok(kept.at(-1)!.text.startsWith("79-99 "));
    assert.deepEqual(texts(await read(store, "other")), ["stays"]);
  });

  it("that were removed before a follower got to them are counted", async () => {
    const store = await harness.open();
    const old = new Date(Date.now() - 8 * DAY_MS);
    await store.logs.append("hello", [line("first")]);
    const [first] = await read(store);
    await store.logs.append("hello", [line("a", old), line("b", old)]);
    await removeAll(store);
    await store.logs.append("hello", [line("last")]);
    const controller = new AbortController();
    const followed: KeptLine[] = [];
    for await (const each of store.logs.follow("hello", { after: first!.id, signal: controller.signal })) {
      followed.push(each);
      if (followed.length === 2) break;
    }
    assert.deepEqual(texts(followed), ["2 lines were removed before this reader got to them", "last"]);
    assert.deepEqual([followed[0]!.stream, followed[0]!.level], ["platform", "warn"]);
  });

  it("of several programs are seen by a follower of another one, each once and in their order", async () => {
    const store = await harness.open();
    await store.logs.append("hello", [line("start")]);
    const stores = [store, await harness.reopen(store), await harness.reopen(store)];
    const controller = new AbortController();
    const seen: KeptLine[] = [];
    const [start] = await read(store);
    const follower = await harness.reopen(store);
    const following = (async () => {
      for await (const each of follower.logs.follow("hello", {
        after: start!.id,
        signal: controller.signal,
      })) {
        seen.push(each);
      }
    })();
    const write = async (writer: PostgresStore, place: number) => {
      for (let count = 0; count < 100; count++)
        await writer.logs.append("hello", [line(`${place} ${count}`)]);
    };
    await Promise.all(stores.map(write));
    await eventually("all arrive", () => seen.length >= 300);
    controller.abort();
    await following;
    for (const place of [0, 1, 2]) {
      const mine = texts(seen).filter((text) => text.startsWith(`${place} `));
      assert.deepEqual(
        mine,
        Array.from({ length: 100 }, (_, count) => `${place} ${count}`),
      );
    }
  });

  it("of a source are kept once, although two programs bring them", async () => {
    const store = await harness.open();
    const stores = [store, await harness.reopen(store)];
    const stamped = (n: number) => ({ ...line(`line ${n}`), stamp: String(n).padStart(5, "0") });
    const source = { name: "hello", source: "pod-1" };
    assert.equal(await store.logs.lastStamp("pod-1"), undefined);
    await Promise.all(
      stores.map(async ({ logs }) => {
        for (let from = 0; from < 200; from += 10) {
          await logs.appendFrom(
            source,
            Array.from({ length: 10 }, (_, index) => stamped(from + index)),
          );
        }
      }),
    );
    const expected = Array.from({ length: 200 }, (_, n) => `line ${n}`);
    assert.deepEqual(texts(await read(store)), expected);
    assert.equal(await store.logs.lastStamp("pod-1"), "00199");
    assert.ok((await read(store)).every((each) => !("stamp" in each)));
    await store.logs.appendFrom({ ...source, source: "pod-2" }, [stamped(7)]);
    assert.deepEqual(texts(await read(store)).slice(-1), ["line 7"]);
    await removeAll(store, new Date(Date.now() + 8 * DAY_MS));
    assert.equal(await store.logs.lastStamp("pod-1"), undefined);
  });

  it("of functions that are gone are removed by the second sweep, and those of new functions are not", async () => {
    const store = await harness.open();
    for (const name of ["gone", "new", "there"]) await store.logs.append(name, [line("a")]);
    const functions = new Set(["there"]);
    const exists = (name: string) => functions.has(name);
    const sweeper = new LogSweeper({ logs: store.logs, exists, print: assert.fail });
    await sweeper.sweep();
    assert.deepEqual(await store.logs.names(), ["gone", "new", "there"]);
    functions.add("new");
    await sweeper.sweep();
    assert.deepEqual(await store.logs.names(), ["new", "there"]);
    await sweeper.close();
  });

  it("are refused after a cursor that is no id", async () => {
    const store = await harness.open();
    const reading = Array.fromAsync(store.logs.read("hello", { after: "x" }));
    await assert.rejects(reading, {
      code: "invalid_request",
      detail: /The cursor "x" is not the id of a log line/,
    });
  });
});
