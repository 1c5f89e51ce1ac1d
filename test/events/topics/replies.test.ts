import assert from "node:assert/strict";
import { outcomeOf } from "../../../events/topics/replies/replies.ts";
import { Waiters } from "../../../events/topics/replies/waiters.ts";
import type { Answer } from "../../../store/call.ts";
import type { Reply } from "../../../store/calls.ts";
import { storeChanges } from "../../../store/changes.ts";
import { MemoryTopics } from "../../support/events/memory-topics.ts";

function answerOf(status: number, text: string): Answer {
  return { status, headers: [], body: { inline: Buffer.from(text) }, isCut: false };
}

function replyOf(group: string, status: number, text = ""): Reply {
  return { waiter: "w", group, answer: answerOf(status, text) };
}

describe("the outcome of a call to a topic", () => {
  const groups = ["a", "b"];
  const call = (...replies: Reply[]) =>
    outcomeOf(replies, { groups, isGateway: false, resultBytes: 10_485_760 });
  const gateway = (...replies: Reply[]) =>
    outcomeOf(replies, { groups, isGateway: true, resultBytes: 10_485_760 });

  it("is the first answer with content", () => {
    const reply = replyOf("b", 201, "pong");
    for (const decide of [call, gateway]) {
      assert.deepEqual(decide(replyOf("a", 204), reply), { answer: reply.answer });
      assert.equal(decide(replyOf("a", 200)), undefined, "the other group may reply");
      assert.equal(decide(), undefined);
    }
  });

  it("is none when all groups have answered without content, which a gateway hands on", () => {
    const [first, second] = [replyOf("a", 204), replyOf("b", 200)];
    assert.equal(call(first, second), "none");
    assert.deepEqual(gateway(first, second), { answer: first.answer });
  });

  it("is a failure as soon as one group fails", () => {
    const failed = replyOf("b", 500, "broken");
    assert.deepEqual(call(replyOf("a", 204), failed), {
      failed: "The function answered 500.",
      answer: failed.answer,
    });
    assert.deepEqual(gateway(failed), { answer: failed.answer }, "a gateway hands on every status");
    const lost = { waiter: "w", group: "a", error: "The function broke the connection." };
    for (const decide of [call, gateway]) assert.deepEqual(decide(lost), { failed: lost.error });
  });

  it("is a failure if the answer was not kept whole", () => {
    const cut: Reply = { waiter: "w", group: "a", answer: { ...answerOf(200, "x"), isCut: true } };
    for (const decide of [call, gateway])
      assert.match(
        (decide(cut) as { failed: string }).failed,
        /10 MiB \(SKIFF_MAX_RESULT\): answer with less/,
      );
  });
});

describe("whoever waits for a reply", () => {
  let memory: MemoryTopics;
  beforeEach(() => {
    memory = new MemoryTopics();
  });
  const start = (isShared: boolean) => {
    const changes = storeChanges();
    return { changes, waiters: new Waiters({ topics: memory, changes, isShared }) };
  };
  const rules = {
    groups: ["a"],
    isGateway: false,
    resultBytes: 1,
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  };

  it("gets it from the same program at once", async () => {
    const { changes, waiters } = start(false);
    const waiting = waiters.wait("w", rules);
    const other = waiters.wait("other", rules);
    memory.waiting.set("w", [replyOf("a", 200, "pong")]);
    changes.emit("replies");
    assert.deepEqual(await waiting, { answer: answerOf(200, "pong") });
    memory.waiting.set("other", [replyOf("a", 204)]);
    changes.emit("replies");
    assert.equal(await other, "none");
  });

  it("gets it from another program soon", async () => {
    const { waiters } = start(true);
    const waiting = waiters.wait("w", rules);
    memory.waiting.set("w", [replyOf("a", 200, "pong")]);
    assert.deepEqual(await waiting, { answer: answerOf(200, "pong") });
  });

  it("gets it although the store was away", async () => {
    const { changes, waiters } = start(false);
    memory.fault = new Error("away");
    const waiting = waiters.wait("w", rules);
    memory.waiting.set("w", [replyOf("a", 200, "pong")]);
    changes.emit("replies");
    setTimeout(() => {
      memory.fault = undefined;
    }, 20);
    assert.deepEqual(await waiting, { answer: answerOf(200, "pong") });
  });

  it("waits no longer than its time, or than its client", async () => {
    const { waiters } = start(true);
    assert.equal(await waiters.wait("w", { ...rules, timeoutMs: 10 }), undefined);
    const left = new AbortController();
    const waiting = waiters.wait("w", { ...rules, signal: left.signal });
    left.abort(new Error("left"));
    await assert.rejects(waiting, /left/);
  });
});
