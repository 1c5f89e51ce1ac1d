import assert from "node:assert/strict";
import { eventPath } from "../../events/paths.ts";

describe("the paths of events", () => {
  for (const [method, target, part] of [
    ["GET", "/async/fn/hello", "async"],
    ["PUT", "/async", "async"],
    ["GET", "http://skiff.example/async/fn/hello?x=1", "async"],
    ["DELETE", "/gateway/test/hello", "gateway"],
    ["POST", "/gateway?x", "gateway"],
    ["POST", "/topic/orders", "topic"],
    ["POST", "/topic/orders/call?timeout=1s", "topic"],
    ["GET", "/topic/orders", undefined],
    ["POST", "/topic/orders/events", undefined],
    ["POST", "/topic", undefined],
    ["GET", "/asynchronous", undefined],
    ["GET", "/func", undefined],
    ["OPTIONS", "*", undefined],
  ] as const) {
    it(`${part ?? "do not"} take ${method} ${target}`, () => assert.equal(eventPath(method, target), part));
  }
});
