import assert from "node:assert/strict";
import { LogBuffer } from "../../platform/log-buffer.ts";
import type { LogLine, LogOptions } from "../../platform/platform.ts";

const line = (text: string): LogLine => ({ at: new Date(0), instance: "i", stream: "stdout", text });

async function read(log: LogBuffer, options: LogOptions): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of log.read(options)) texts.push(text);
  return texts;
}

describe("the log buffer", () => {
  let log: LogBuffer;
  const push = (from: number, to: number) => {
    for (let number = from; number <= to; number++) log.push(line(String(number)));
  };
  beforeEach(() => {
    log = new LogBuffer();
  });

  it("keeps the last 500 lines, however many there were", async () => {
    push(1, 5_000);
    const texts = await read(log, { tail: 10_000, follow: false });
    assert.deepEqual([texts.length, texts[0], texts.at(-1)], [500, "4501", "5000"]);
    assert.deepEqual(await read(log, { tail: 2, follow: false }), ["4999", "5000"]);
    assert.deepEqual(await read(log, { tail: 0, follow: false }), []);
  });

  it("gives a follower every line once, between the tail and the end", async () => {
    push(1, 3);
    const following = read(log, { tail: 2, follow: true });
    push(4, 5);
    await new Promise(setImmediate);
    push(6, 6);
    log.close();
    assert.deepEqual(await following, ["2", "3", "4", "5", "6"]);
  });

  it("gives a follower nothing after its abort, not even what was on the way", async () => {
    push(1, 3);
    const leaving = new AbortController();
    const texts: string[] = [];
    for await (const { text } of log.read({ tail: 3, follow: true, signal: leaving.signal })) {
      texts.push(text);
      leaving.abort();
    }
    assert.deepEqual(texts, ["1"]);
    assert.deepEqual(await read(log, { tail: 3, follow: true, signal: leaving.signal }), []);
  });

  it("ends a follower that waits when it aborts", async () => {
    const leaving = new AbortController();
    const following = read(log, { tail: 0, follow: true, signal: leaving.signal });
    await new Promise(setImmediate);
    leaving.abort();
    assert.deepEqual(await following, []);
  });

  it("lets a follower that is slow lose the oldest lines instead of filling the memory", async () => {
    const lines = log.read({ tail: 0, follow: true });
    const first = lines.next();
    push(1, 1);
    await first;
    push(2, 20_001);
    log.close();
    const rest: string[] = [];
    for await (const { text } of lines) rest.push(text);
    assert.deepEqual([rest.length, rest[0], rest.at(-1)], [10_000, "10002", "20001"]);
  });

  it("holds no more than 4 Mi characters for a follower that is slow, and 1 Mi for those who come", async () => {
    const lines = log.read({ tail: 0, follow: true });
    const first = lines.next();
    push(1, 1);
    await first;
    for (let number = 2; number <= 2_000; number++) log.push(line(String(number).padEnd(8_192)));
    log.close();
    const rest: string[] = [];
    for await (const { text } of lines) rest.push(text.trim());
    assert.deepEqual([rest.length, rest[0], rest.at(-1)], [512, "1489", "2000"]);
    assert.equal((await read(log, { tail: 500, follow: false })).length, 128);
  });

  it("keeps one line that is over its bounds", async () => {
    log.push(line("x".repeat(5 * 1024 ** 2)));
    log.push(line("x".repeat(6 * 1024 ** 2)));
    const texts = await read(log, { tail: 9, follow: false });
    assert.deepEqual(
      texts.map(({ length }) => length),
      [6 * 1024 ** 2],
    );
  });

  it("can still be read after its end", async () => {
    push(1, 2);
    log.close();
    assert.deepEqual(await read(log, { tail: 9, follow: true }), ["1", "2"]);
  });
});
