import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogLine } from "../../../platform/platform.ts";
import { SegmentLogStore } from "../../../store/segments/segment-log-store.ts";
import type { KeptLine, LogQuery } from "../../../store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { type Logs, logs } from "../conformance/logs.ts";
import type { Harness } from "../conformance/subject.ts";

const DAY_MS = 86_400_000;
const folders = new Map<SegmentLogStore, string>();

function openIn(
  folder: string,
  bounds: { ageMs?: number; bytes?: number; now?: () => number } = {},
): SegmentLogStore {
  const store = new SegmentLogStore({
    folder,
    ageMs: 7 * DAY_MS,
    bytes: 64 * 1024 ** 2,
    print: assert.fail,
    ...bounds,
  });
  folders.set(store, folder);
  return store;
}

const newFolder = () => mkdtempSync(join(tmpdir(), "skiff-test-logs-"));

async function dispose(): Promise<void> {
  for (const store of folders.keys()) await store.close();
  for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}

const asStore = (logs: SegmentLogStore): Logs => ({ logs, close: () => logs.close() });

const harness: Harness<Logs> = {
  open: async () => asStore(openIn(newFolder())),
  reopen: async ({ logs }) => {
    await (logs as SegmentLogStore).close();
    return asStore(openIn(folders.get(logs as SegmentLogStore)!));
  },
  dispose,
};

function line(n: number): LogLine {
  return { at: new Date(), instance: "i", stream: "stdout", text: `${n} ${"x".repeat(100)}` };
}
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => line(from + at));

async function read(store: SegmentLogStore, query: LogQuery = {}): Promise<KeptLine[]> {
  const found: KeptLine[] = [];
  for await (const each of store.read("f", query)) found.push(each);
  return found;
}

const numbers = (found: readonly LogLine[]) => found.map(({ text }) => Number.parseInt(text, 10));

describe("the log store in segments", () => {
  logs(harness);

  describe("its files", () => {
    let folder: string;
    beforeEach(() => {
      folder = newFolder();
    });
    afterEach(dispose);

    const segments = () => readdirSync(join(folder, "f")).sort();

    it("are JSON lines that a person can read", async () => {
      await openIn(folder).append("f", [
        { at: new Date(0), instance: "i", version: 2, stream: "stderr", text: "no" },
      ]);
      const text = readFileSync(join(folder, "f", segments()[0]!), "utf8");
      assert.equal(
        text,
        '{"at":"1970-01-01T00:00:00.000Z","instance":"i","version":2,"stream":"stderr","text":"no"}\n',
      );
    });

    it("lose nothing but a line that was not finished", async () => {
      const first = openIn(folder);
      await first.append("f", lines(1, 3));
      await first.close();
      const path = join(folder, "f", segments()[0]!);
      appendFileSync(path, '{"at":"2026-11-29T10:00:00.000Z","instance":"i","stre');
      const second = openIn(folder);
      assert.deepEqual(numbers(await read(second)), [1, 2, 3]);
      await second.append("f", [line(4)]);
      assert.deepEqual(numbers(await read(second)), [1, 2, 3, 4]);
      assert.ok(
        readFileSync(path, "utf8")
          .split("\n")
          .slice(0, -1)
          .every((each) => JSON.parse(each).instance === "i"),
      );
    });

    it("with bytes that no Skiff wrote are read without them", async () => {
      const first = openIn(folder);
      await first.append("f", lines(1, 2));
      await first.close();
      appendFileSync(join(folder, "f", segments()[0]!), `${"\0".repeat(5_000)}\nnull\n{}\n`);
      writeFileSync(join(folder, "f", "notes.txt"), "mine");
      const second = openIn(folder);
      await second.append("f", [line(3)]);
      assert.deepEqual(numbers(await read(second)), [1, 2, 3]);
      assert.deepEqual(numbers(await read(second, { tail: 2 })), [2, 3]);
    });

    it("are removed, oldest first, when they have too many bytes together", async () => {
      const bytes = 64 * 1024;
      const store = openIn(folder, { bytes });
      for (let n = 1; n <= 2_000; n += 10) await store.append("f", lines(n, n + 9));
      const sum = segments().reduce((total, name) => total + statSync(join(folder, "f", name)).size, 0);
      assert.ok(sum <= bytes && sum > bytes / 2, `${sum} bytes`);
      const found = numbers(await read(store));
      assert.equal(found.at(-1), 2_000);
      assert.deepEqual(
        found,
        Array.from({ length: found.length }, (_, at) => 2_000 - found.length + 1 + at),
      );
    });

    it("are removed when they are too old, and ids stay in order", async () => {
      let nowMs = Date.now();
      const store = openIn(folder, { now: () => nowMs });
      await store.append("f", lines(1, 2));
      const [, last] = await read(store);
      nowMs += 8 * DAY_MS;
      await store.append("f", [line(3)]);
      assert.deepEqual(numbers(await read(store)), [3]);
      assert.deepEqual(numbers(await read(store, { after: last!.id })), [3]);
      assert.equal(segments().length, 1);
    });

    it("begin anew each hour", async () => {
      let nowMs = Date.now();
      const store = openIn(folder, { now: () => nowMs });
      for (let hour = 0; hour < 5; hour++, nowMs += 3_600_000) await store.append("f", [line(hour)]);
      assert.equal(segments().length, 5);
      assert.deepEqual(numbers(await read(store)), [0, 1, 2, 3, 4]);
      assert.deepEqual(numbers(await read(store, { tail: 3 })), [2, 3, 4]);
    });

    it("that somebody removed are written anew", async () => {
      const store = openIn(folder);
      await store.append("f", [line(1)]);
      rmSync(join(folder, "f"), { recursive: true });
      await store.append("f", lines(2, 3));
      assert.deepEqual(numbers(await read(store)), [2, 3]);
    });

    const damages: Record<string, { damage: (path: string, size: number) => void; keeps: number[] }> = {
      "cut off": { damage: (path, size) => truncateSync(path, (size * 2) / 5), keeps: [2] },
      emptied: { damage: (path) => truncateSync(path, 0), keeps: [] },
      removed: { damage: (path) => rmSync(path), keeps: [] },
    };
    for (const [name, { damage, keeps }] of Object.entries(damages)) {
      it(`that somebody ${name} are followed behind what is lost`, async () => {
        let nowMs = Date.now();
        const store = openIn(folder, { now: () => nowMs });
        await store.append("f", lines(1, 5));
        const after = (await read(store))[0]!.id;
        const path = join(folder, "f", segments()[0]!);
        damage(path, statSync(path).size);
        const leaving = new AbortController();
        const following = store.follow("f", { after, signal: leaving.signal })[Symbol.asyncIterator]();
        const next = async () => (await following.next()).value as KeptLine;
        for (const kept of keeps) assert.deepEqual(numbers([await next()]), [kept]);
        const gap = next();
        // It waits until a line is written; the next segment begins with that.
        await store.append("f", [line(6)]);
        const { stream, text } = await gap;
        const count = keeps.length > 0 ? "3 lines were" : "Lines may have been";
        assert.deepEqual(
          [stream, text],
          ["platform", `${count} removed from the log before this reader had read them.`],
        );
        assert.deepEqual(numbers([await next()]), [6]);
        nowMs += 2 * 3_600_000;
        const last = next();
        await store.append("f", [line(7)]);
        assert.deepEqual(numbers([await last]), [7]);
        assert.deepEqual(numbers(await read(store)), [...(keeps.length > 0 ? [1] : []), ...keeps, 6, 7]);
        const end = following.next();
        leaving.abort();
        assert.equal((await end).done, true);
      });
    }

    it("that somebody cut off while nobody writes let a follower leave", async () => {
      const store = openIn(folder);
      await store.append("f", lines(1, 5));
      const after = (await read(store))[0]!.id;
      truncateSync(join(folder, "f", segments()[0]!), 0);
      const leaving = new AbortController();
      const end = store.follow("f", { after, signal: leaving.signal })[Symbol.asyncIterator]().next();
      await read(store);
      leaving.abort();
      assert.equal((await end).done, true);
    });

    it("tell a follower that is too slow how many lines it lost", async () => {
      const store = openIn(folder, { bytes: 64 * 1024 });
      const leaving = new AbortController();
      const following = store.follow("f", { signal: leaving.signal })[Symbol.asyncIterator]();
      const first = following.next();
      // Its place is the end of an empty log from now on.
      await eventually("the log is followed", async () => (await read(store)).length === 0);
      await store.append("f", lines(1, 10));
      const seen = [(await first).value as KeptLine];
      for (let n = 11; n <= 3_001; n += 10) await store.append("f", lines(n, n + 9));
      while (Number.parseInt(seen.at(-1)!.text, 10) !== 3_010)
        seen.push((await following.next()).value as KeptLine);
      leaving.abort();
      await following.return?.();
      const gap = seen.findIndex(({ stream }) => stream === "platform");
      const lost = Number(/^(\d+) lines were removed from the log before/.exec(seen[gap]!.text)![1]);
      const got = numbers(seen.filter(({ stream }) => stream === "stdout"));
      assert.equal(lost + got.length, 3_010);
      assert.equal(numbers([seen[gap + 1]!])[0]! - numbers([seen[gap - 1]!])[0]!, lost + 1);
    });

    it("tell a reader that comes back too late that it may have lost lines", async () => {
      const store = openIn(folder, { bytes: 64 * 1024 });
      await store.append("f", lines(1, 10));
      const after = (await read(store)).at(-1)!.id;
      for (let n = 11; n <= 3_001; n += 10) await store.append("f", lines(n, n + 9));
      const leaving = new AbortController();
      for await (const { text, stream } of store.follow("f", { after, signal: leaving.signal })) {
        assert.deepEqual(
          [stream, text],
          ["platform", "Lines may have been removed from the log before this reader had read them."],
        );
        leaving.abort();
      }
    });

    it("are found by a reader that comes back after the next segment began", async () => {
      let nowMs = Date.now();
      const first = openIn(folder, { now: () => nowMs });
      await first.append("f", lines(1, 3));
      const after = (await read(first))[1]!.id;
      await first.close();
      nowMs += 2 * 3_600_000;
      const second = openIn(folder, { now: () => nowMs });
      await second.append("f", lines(4, 5));
      const leaving = new AbortController();
      const seen: number[] = [];
      for await (const each of second.follow("f", { after, signal: leaving.signal })) {
        seen.push(...numbers([each]));
        if (seen.length === 3) leaving.abort();
      }
      assert.deepEqual(seen, [3, 4, 5]);
    });
  });
});
