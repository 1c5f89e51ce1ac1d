import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Outflow } from "../../../../platform/local/commands/outflow.ts";

describe("the output of a command", () => {
  it("waits for its reader, and for nobody once the command has ended", async () => {
    const from = new PassThrough();
    const outflow = new Outflow(from);
    let bytes = 0;
    // Until both buffers are full.
    for (let isTaken = true; isTaken; bytes += 10_000) {
      isTaken = from.write("x".repeat(10_000));
      await new Promise(setImmediate);
    }
    from.end();
    assert.ok(from.readableLength > 0);
    outflow.readRest();
    outflow.readRest();
    await once(from, "end");
    assert.equal((await text(outflow.readable)).length, bytes);
  });

  it("ends, or fails, with its connection", async () => {
    for (const isExpected of [true, false]) {
      const from = new PassThrough();
      const { readable } = new Outflow(from, () => isExpected);
      from.write("begun");
      from.destroy(new Error("cut off"));
      if (isExpected) assert.match(await text(readable), /^(begun)?$/);
      else await assert.rejects(text(readable), /cut off/);
    }
  });

  it("that nobody reads fails nothing else", async () => {
    const from = new PassThrough();
    const { readable } = new Outflow(from);
    from.destroy(new Error("cut off"));
    await new Promise((resolve) => readable.once("close", resolve));
  });

  it("goes nowhere once its reader has left", async () => {
    const from = new PassThrough();
    const { readable } = new Outflow(from);
    readable.destroy();
    for (let at = 0; at < 100; at++) from.write("x".repeat(10_000));
    from.end();
    await new Promise((resolve) => from.once("end", resolve));
  });
});
