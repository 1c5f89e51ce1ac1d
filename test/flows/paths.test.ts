import assert from "node:assert/strict";
import { flowPath } from "../../flows/paths.ts";

describe("the paths of flows", () => {
  for (const [method, target, part] of [
    ["POST", "/flow/order/run", "run"],
    ["POST", "/flow/order/run/?wait=30s", "run"],
    ["POST", "http://skiff.example/flow/order/run?x=1", "run"],
    ["GET", "/flow/order/http", "http"],
    ["OPTIONS", "/flow/order/http/orders/7?x", "http"],
    ["GET", "/flow/order/run", undefined],
    ["POST", "/flow/order/run/0199/retry", undefined],
    ["POST", "/flow/order/httpx", undefined],
    ["PUT", "/flow/order", undefined],
    ["GET", "/flow", undefined],
    ["POST", "/func", undefined],
    ["OPTIONS", "*", undefined],
  ] as const) {
    it(`${part ?? "do not"} take ${method} ${target}`, () => assert.equal(flowPath(method, target), part));
  }
});
