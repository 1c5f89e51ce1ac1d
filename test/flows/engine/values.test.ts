import assert from "node:assert/strict";
import { loadBody } from "../../../calling/stored-bodies.ts";
import { Values } from "../../../flows/engine/values.ts";
import { MemoryBodies } from "../../events/support/memory-bodies.ts";

const LARGE = { text: "x".repeat(70_000) };

describe("values of runs", () => {
  let bodies: MemoryBodies;
  let values: Values;
  beforeEach(() => {
    bodies = new MemoryBodies();
    values = new Values({ bodies, mostBytes: 200_000 });
  });

  const inline = (text: string) => ({ inline: Buffer.from(text) });
  const stored = async (text: string) => {
    async function* parts() {
      yield Buffer.from(text);
    }
    return bodies.write(parts(), 1_000_000);
  };
  const sent = async (payload: Parameters<Values["sendable"]>[0]) => {
    const { body, type } = await values.sendable(payload);
    return [Buffer.from(await loadBody(bodies, body)).toString(), type];
  };

  it("keeps a small one where it is", async () => {
    assert.deepEqual(await values.keep({ a: 1 }), { json: { a: 1 } });
    assert.deepEqual(await values.keep(undefined), { json: undefined });
  });

  it("leaves room for everything else while many calls send a large one", async () => {
    const json = Array.from({ length: 20_000 }, (_, n) => ({ n, text: `text ${n}` }));
    let turns = 0;
    let isSending = true;
    const turn = () => {
      turns++;
      if (isSending) setImmediate(turn);
    };
    turn();
    const all = await Promise.all(Array.from({ length: 100 }, () => values.sendable({ json })));
    isSending = false;
    assert.ok(all.every(({ body }) => "inline" in body && body.inline.length > 500_000));
    assert.ok(turns > 5, `${turns} turns`);
  });

  it("keeps a large one as a body, and reads it back", async () => {
    const kept = await values.keep(LARGE);
    assert.deepEqual(kept, { body: "1", bytes: 70_011, type: "application/json" });
    assert.ok("body" in kept);
    assert.deepEqual(values.cached(kept), { json: LARGE });
    const others = new Values({ bodies, mostBytes: 200_000 });
    assert.equal(others.cached(kept), undefined);
    assert.deepEqual(await others.load(kept), { json: LARGE });
    assert.deepEqual(others.cached(kept), { json: LARGE });
  });

  it("takes JSON and texts of functions for values", async () => {
    assert.deepEqual(await values.keepBody(inline('{"a":1}'), "application/json"), { json: { a: 1 } });
    assert.deepEqual(await values.keepBody(inline('{"a":1}'), "application/problem+json; x=y"), {
      json: { a: 1 },
    });
    assert.deepEqual(await values.keepBody(inline("hello"), "text/plain"), { json: "hello" });
    assert.deepEqual(await values.keepBody(inline("{no"), "application/json"), { json: "{no" });
    assert.deepEqual(await values.keepBody(inline(""), undefined), { json: null });
  });

  it("hands on everything else whole", async () => {
    const kept = await values.keepBody(inline("PNG"), "image/png");
    assert.deepEqual(kept, { body: "1", bytes: 3, type: "image/png" });
    assert.deepEqual(await sent(kept), ["PNG", "image/png"]);
  });

  it("hands on what is longer than expressions read", async () => {
    const body = await stored(JSON.stringify("x".repeat(200_001)));
    const kept = await values.keepBody(body, "application/json");
    assert.deepEqual(kept, { body: "1", bytes: 200_003, type: "application/json" });
    const [text, type] = await sent(kept);
    assert.deepEqual([text?.length, type], [200_003, "application/json"]);
  });

  it("sends texts as text and other values as JSON, also large ones", async () => {
    const long = "y".repeat(70_000);
    assert.deepEqual(await sent({ json: "hello" }), ["hello", "text/plain; charset=utf-8"]);
    assert.deepEqual(await sent({ json: { a: 1 } }), ['{"a":1}', "application/json"]);
    assert.deepEqual(await sent(await values.keep(long)), [long, "text/plain; charset=utf-8"]);
    assert.deepEqual(await sent(await values.keep(LARGE)), [JSON.stringify(LARGE), "application/json"]);
    assert.deepEqual(await sent("none"), ["", undefined]);
  });

  it("sends a text that is handed on whole as what it came as, whatever its length", async () => {
    for (const length of [5, 70_000, 250_000]) {
      const text = "s".repeat(length);
      for (const [body, type] of [
        [JSON.stringify(text), "application/json"],
        [text, "text/plain; charset=utf-8"],
        [text, "text/csv; charset=utf-8"],
      ] as const) {
        const from = length === 5 ? inline(body) : await stored(body);
        const kept = await values.movedOut(await values.keepBody(from, type));
        assert.deepEqual(await sent(kept), [body, type], `${type}, ${length}`);
        assert.equal((await values.sendable(kept)).type, type, "again");
      }
    }
    const small = await values.keepBody(inline('"s"'), "application/json");
    assert.deepEqual(small, { json: "s", sentAs: "application/json" });
  });

  it("turns a large text into a value", async () => {
    const kept = await values.keepBody(await stored("z".repeat(70_000)), "text/plain");
    assert.ok("body" in kept);
    assert.deepEqual(values.cached(kept), { json: "z".repeat(70_000) });
    assert.deepEqual([...bodies.stored.keys()].length, 1);
  });
});
