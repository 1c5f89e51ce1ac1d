import assert from "node:assert/strict";
import { formatBytes, formatMs, parseBytes, parseDurationMs, parseInstant } from "../../platform/quantity.ts";

describe("quantities", () => {
  for (const [text, ms] of [
    ["250", 250],
    ["250ms", 250],
    ["30s", 30_000],
    ["1.5m", 90_000],
    ["2h", 7_200_000],
    ["0", 0],
    ["0.001s", 1],
    ["", undefined],
    ["s", undefined],
    ["-1s", undefined],
    ["1 s", undefined],
    ["1d", 86_400_000],
    ["1e3", undefined],
    ["1.2345s", undefined],
    ["1.s", undefined],
    ["Infinity", undefined],
    ["1s\n", undefined],
    ["1234567890123", undefined],
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${ms} milliseconds`, () => assert.equal(parseDurationMs(text), ms));
  }

  for (const [text, at] of [
    ["2026-11-29", "2026-11-29T00:00:00.000Z"],
    ["2028-02-29T14:00Z", "2028-02-29T14:00:00.000Z"],
    ["2026-02-28T23:30:00-01:00", "2026-03-01T00:30:00.000Z"],
    ["2026-02-29", undefined],
    ["2030-02-31T10:00:00Z", undefined],
    ["2026-04-31T23:00:00+02:00", undefined],
    ["2026-13-01", undefined],
    ["2026-11-29T14:00:00", undefined],
    ["2026-11-29T25:00Z", undefined],
    ["29.11.2026", undefined],
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${at}`, () => assert.equal(parseInstant(text)?.toISOString(), at));
  }

  for (const [text, bytes] of [
    ["1048576", 1_048_576],
    ["512Ki", 524_288],
    ["256Mi", 268_435_456],
    ["1.5Gi", 1_610_612_736],
    ["3k", 3_000],
    ["3M", 3_000_000],
    ["3G", 3_000_000_000],
    ["", undefined],
    ["Mi", undefined],
    ["3mi", undefined],
    ["3MiB", undefined],
    ["-3", undefined],
    ["0x10", undefined],
    ["3K", undefined],
  ] as const) {
    it(`reads ${JSON.stringify(text)} as ${bytes} bytes`, () => assert.equal(parseBytes(text), bytes));
  }

  it("are written as a person would write them", () => {
    const texts = [0, 250.4, 1_000, 1_500, 60_000, 119_999, 120_000, 300_000, 5_400_000].map(formatMs);
    const wanted = ["0 ms", "250 ms", "1 s", "1.5 s", "60 s", "120 s", "2 min", "5 min", "90 min"];
    assert.deepEqual(texts, wanted);
    const sizes = [0, 1_023, 1_024, 1_536, 20 * 1024 ** 2, 1024 ** 3].map(formatBytes);
    assert.deepEqual(sizes, ["0 bytes", "1023 bytes", "1 KiB", "1.5 KiB", "20 MiB", "1 GiB"]);
  });
});
