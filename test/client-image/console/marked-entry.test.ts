import assert from "node:assert/strict";
import { type Entry, EntryReader, markEntry } from "../../../client-image/console/marked-entry.ts";

function read(output: string, cutAt = Number.POSITIVE_INFINITY): Entry[] {
  const entries: Entry[] = [];
  const reader = new EntryReader((entry) => entries.push(entry));
  for (const line of output.split("\n").slice(0, -1)) {
    let rest = line;
    for (; rest.length > cutAt; rest = rest.slice(cutAt)) reader.read(rest.slice(0, cutAt), true);
    reader.read(rest);
  }
  reader.end();
  return entries;
}

describe("marked entries", () => {
  const ENTRIES: readonly Entry[] = [
    { text: "one line", level: "info", callId: "7d0c6a52-55d3-4c3e-9d5b-0f6f5ad9b6a1" },
    { text: "", level: "error", callId: "a" },
    { text: "no call", level: "warn" },
    { text: "no call", level: "debug" },
    { text: "two\nlines", level: "info" },
    { text: "\n\nends with empty ones\n\n", level: "error", callId: "b" },
    { text: "\u001e[error c] looks like a mark", level: "info", callId: "d" },
    { text: "\u001e[error c] looks like a mark", level: "info" },
  ];

  it("are read as they were written", () => {
    assert.deepEqual(read(ENTRIES.map(markEntry).join("")), ENTRIES);
  });

  it("are read as they were written if their lines are cut", () => {
    const long = { text: `${"x".repeat(999)}\n${"y".repeat(500)}`, level: "info", callId: "e" } as const;
    assert.deepEqual(read(ENTRIES.map(markEntry).join("") + markEntry(long), 100), [...ENTRIES, long]);
  });

  it("end what was written directly before them without a line break", () => {
    const entry = { text: "from console", level: "info", callId: "h" } as const;
    assert.deepEqual(read(`no line break${markEntry(entry)}`), [{ text: "no line break" }, entry]);
  });

  it("that end a line with a separator do not swallow the next entry", () => {
    const entries = read(
      markEntry({ text: "a\u001e\nb\u001e", callId: "f" }) + markEntry({ text: "c", callId: "g" }),
    );
    assert.deepEqual(
      entries.map(({ text, callId }) => [text, callId]),
      [
        ["a\u001e \nb\u001e ", "f"],
        ["c", "g"],
      ],
    );
  });

  it("are plain lines if they have no call and the usual level", () => {
    assert.equal(markEntry({ text: "x", level: "info" }), "x\n");
  });

  it("of any length are split", () => {
    const entries = read(markEntry({ text: "line\n".repeat(40_000), level: "info", callId: "h" }));
    assert.ok(entries.length > 1 && entries.every(({ text }) => text.length < 70_000));
    assert.ok(entries.every(({ callId }) => callId === "h"));
    assert.equal(entries.map(({ text }) => text).join("\n"), "line\n".repeat(40_000));
  });

  it("without a mark are their lines", () => {
    assert.deepEqual(read("a\nb\n"), [{ text: "a" }, { text: "b" }]);
  });
});
