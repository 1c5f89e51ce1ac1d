import assert from "node:assert/strict";
import net from "node:net";
import { readInto } from "../../../router/fast-path/read-into.ts";

describe("a socket that is to be read into a buffer", () => {
  it("stays as it is when it has no handle that could be moved", () => {
    for (const handle of [null, undefined]) {
      const socket = Object.assign(new net.Socket(), { _handle: handle });
      assert.equal(
        readInto(socket, Buffer.alloc(1), () => true),
        undefined,
      );
      assert.equal(socket.destroyed, false);
      socket.destroy();
    }
  });
});
