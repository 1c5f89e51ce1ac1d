import assert from "node:assert/strict";
import type { LogLine } from "../../platform/platform.ts";
import { LogBatches } from "../../store/log-batches.ts";
import type { KeptLine, LogStore } from "../../store/store.ts";
import { eventually } from "../support/eventually.ts";

/** A store in memory that can fail. */
class MemoryLogs implements LogStore {
  readonly appends: { readonly name: string; readonly lines: readonly LogLine[] }[] = [];
  failure: Error | undefined;
  /** Appends wait for this. */
  hold: Promise<void> = Promise.resolve();

  async append(name: string, lines: readonly LogLine[]): Promise<void> {
    await this.hold;
    if (this.failure) throw this.failure;
    this.appends.push({ name, lines });
  }

  async *read(name: string): AsyncGenerator<KeptLine> {
    for (const line of this.of(name)) yield { ...line, id: "1" };
  }

  follow(name: string): AsyncGenerator<KeptLine> {
    return this.read(name);
  }

  async end(name: string): Promise<string> {
    return String(this.of(name).length);
  }

  async forget(name: string): Promise<void> {
    if (this.failure) throw this.failure;
    const others = this.appends.filter((each) => each.name !== name);
    this.appends.splice(0, this.appends.length, ...others);
  }

  of(name: string): LogLine[] {
    return this.appends.filter((each) => each.name === name).flatMap(({ lines }) => lines);
  }
}

describe("batches of log lines", () => {
  let store: MemoryLogs;
  let printed: string[];
  let batches: LogBatches;
  beforeEach(() => {
    [store, printed] = [new MemoryLogs(), []];
    batches = new LogBatches({ store, print: (line) => printed.push(line) });
  });
  afterEach(() => batches.close());

  const push = (text: string, name = "hello") =>
    batches.push(name, { at: new Date(), instance: "i", stream: "stdout", text });
  const texts = (name = "hello") => store.of(name).map(({ text }) => text);

  it("are written in order with few writes", async () => {
    for (let n = 0; n < 1_000; n++) push(`${n}`);
    await eventually("they are written", () => texts().length === 1_000);
    assert.deepEqual(
      texts(),
      Array.from({ length: 1_000 }, (_, n) => `${n}`),
    );
    assert.equal(store.appends.length, 1);
  });

  it("are written before they are read", async () => {
    push("one");
    const found = await Array.fromAsync(batches.read("hello", {}));
    assert.deepEqual(
      found.map(({ text }) => text),
      ["one"],
    );
  });

  it("wait for a store that opens later", async () => {
    const opening = Promise.withResolvers<LogStore>();
    const early = new LogBatches({ store: opening.promise, print: assert.fail });
    early.push("hello", { at: new Date(), instance: "i", stream: "stdout", text: "early" });
    opening.resolve(store);
    await eventually("it is written", () => texts().length === 1);
    await early.close();
  });

  it("keep their order while the store fails, which is printed once", async () => {
    store.failure = new Error("no space left on device");
    push("one");
    await eventually("it was said", () => printed.length > 0);
    push("two");
    await batches.flush();
    store.failure = undefined;
    await eventually("both are written", () => texts().length === 2);
    assert.deepEqual(texts(), ["one", "two"]);
    assert.deepEqual(printed, ["log lines wait, because they cannot be written: no space left on device"]);
  });

  it("count what they drop while the store fails for long, and keep the newest lines", async () => {
    store.failure = new Error("no space left on device");
    const count = 5_000;
    for (let n = 0; n < count; n++) push(`${n} ${"x".repeat(1_000)}`);
    push("other", "other");
    await eventually("it was said", () => printed.length > 0);
    store.failure = undefined;
    await eventually("they are written", () => texts().length > 0 && texts("other").length > 0);
    const [first, ...rest] = texts();
    const lost = Number(
      /^(\d+) lines before this one could not be written to the log in time\.$/.exec(first!)![1],
    );
    assert.equal(lost + rest.length, count);
    assert.ok(rest.length > 500 && rest.length < 1_500, `${rest.length} lines were kept`);
    assert.ok(rest.at(-1)!.startsWith(`${count - 1} `));
    assert.deepEqual(texts("other"), ["other"]);
  });

  it("keep as many short lines as fit while the store fails", async () => {
    store.failure = new Error("no space left on device");
    const count = 20_000;
    for (let n = 0; n < count; n++) push(`${10_000 + n}`);
    await eventually("it was said", () => printed.length > 0);
    store.failure = undefined;
    await eventually("they are written", () => texts().length > 0);
    const [first, ...rest] = texts();
    assert.equal(Number(/^\d+/.exec(first!)![0]) + rest.length, count);
    // 1 MiB of lines with 5 characters and 100 for the rest of each.
    assert.equal(rest.length, Math.floor(1024 ** 2 / 105));
    assert.equal(rest.at(-1), `${10_000 + count - 1}`);
  });

  it("of a removed function are dropped, also those that wait", async () => {
    push("before");
    await batches.flush();
    push("waiting");
    await batches.forget("hello");
    await batches.flush();
    assert.deepEqual(texts(), []);
  });

  it("of a removed function are removed when the store works again, before new ones of its name", async () => {
    push("before");
    await batches.flush();
    store.failure = new Error("the store is away");
    await batches.forget("hello");
    push("after");
    assert.deepEqual(texts(), ["before"]);
    store.failure = undefined;
    await eventually("the new line is written", () => texts().includes("after"));
    assert.deepEqual(texts(), ["after"]);
  });

  it("are written when they are closed", async () => {
    push("last");
    await batches.close();
    assert.deepEqual(texts(), ["last"]);
  });
});
