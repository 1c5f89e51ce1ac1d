import assert from "node:assert/strict";
import { LogCursor } from "../../../../platform/kubernetes/commands/log-cursor.ts";
import { seededRandom } from "../../../support/seeded-random.ts";

const BEGIN_MS = Date.parse("2026-11-29T10:00:00Z");

/** Nanoseconds after the beginning, as the kubelet writes them. */
const stampOf = (ns: number) => {
  const second = new Date(BEGIN_MS + 1_000 * Math.floor(ns / 1e9)).toISOString().slice(0, 19);
  return `${second}.${String(ns % 1e9).padStart(9, "0")}Z`;
};

interface Line {
  readonly stamp: string;
  readonly text: string;
}

/** What the kubelet sends: the lines whose second is not before `since`, in the order of the file. */
function sent(lines: readonly Line[], since: string | undefined): Buffer {
  const from = since === undefined ? -1 : Math.floor(Date.parse(since) / 1_000);
  const selected = lines.filter(({ stamp }) => Math.floor(Date.parse(stamp) / 1_000) >= from);
  return Buffer.from(selected.map(({ stamp, text }) => `${stamp} ${text}`).join(""));
}

describe("the cursor of a log", () => {
  it("returns the bytes without timestamps, also of a line without an end", () => {
    const cursor = new LogCursor();
    assert.equal(cursor.begin(), undefined);
    const text = Buffer.from(`${stampOf(1)} a b\n${stampOf(2)} \n${stampOf(3)} é\0end`);
    const parts = [...text].map((byte) => cursor.read(Buffer.of(byte)));
    assert.equal(Buffer.concat(parts).toString(), "a b\n\né\0end");
  });

  it("returns each byte once, wherever connections break and whatever the order of timestamps", () => {
    const random = seededRandom(20_291_129);
    for (let round = 0; round < 200; round++) {
      const lines: Line[] = [];
      for (let at = 0; at < 60; at++) {
        // Steps of up to a third of a second, and now and then one back.
        const ns = 1e9 + at * 2e8 + Math.floor(random() * 4e8);
        const isLast = at === 59;
        lines.push({ stamp: stampOf(ns), text: `${at} ${"x".repeat(random() * 20)}${isLast ? "" : "\n"}` });
      }
      const cursor = new LogCursor();
      let got = "";
      for (let connection = 0; connection < 6; connection++) {
        const since = cursor.begin();
        const bytes = sent(lines.slice(0, 10 * (connection + 1)), since);
        const cut = connection === 5 ? bytes.length : Math.floor(random() * bytes.length);
        const middle = Math.floor(random() * cut);
        got += cursor.read(bytes.subarray(0, middle)).toString();
        got += cursor.read(bytes.subarray(middle, cut)).toString();
      }
      assert.equal(got, lines.map(({ text }) => text).join(""), `round ${round}`);
    }
  });

  it("continues after the last line if the file was rotated meanwhile", () => {
    const lines = [1, 2, 3, 4, 5, 6].map((at) => ({ stamp: stampOf(at * 1e8), text: `${at}\n` }));
    const cursor = new LogCursor();
    cursor.begin();
    assert.equal(cursor.read(sent(lines.slice(0, 4), undefined)).toString(), "1\n2\n3\n4\n");
    const since = cursor.begin();
    assert.equal(cursor.read(sent(lines.slice(2), since)).toString(), "5\n6\n");
  });

  it("rejects a message of the kubelet", () => {
    const cursor = new LogCursor();
    cursor.begin();
    const text = Buffer.from("failed to try resolving symlinks in path\n");
    assert.throws(() => cursor.read(text), /the log cannot be read: failed/);
  });
});
