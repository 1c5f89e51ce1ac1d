import assert from "node:assert/strict";
import { requireHeaderRoom } from "../../http/request-problems.ts";

describe("the header block of a call that is stored", () => {
  it("leaves room for what Skiff adds", () => {
    const of = (bytes: number) => ["big", "x".repeat(bytes - 7)];
    requireHeaderRoom(of(28 * 1024), { headerBytes: 32 * 1024 });
    assert.throws(() => requireHeaderRoom(of(28 * 1024 + 1), { headerBytes: 32 * 1024 }), {
      code: "headers_too_large",
    });
    requireHeaderRoom(of(3_000), { headerBytes: 4_096 });
  });
});
