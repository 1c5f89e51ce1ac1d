import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { separate } from "../../../../platform/local/engine/frames.ts";

const FRAME = Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, ...Buffer.from("out")]);
const reset = () => Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });

/** A connection that is reset once `bytes` have arrived. */
function resetAfter(bytes: Buffer) {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const { output, errors } = separate(socket as unknown as Socket, bytes);
  socket.destroy(reset());
  return Promise.all([text(output), text(errors)]);
}

describe("the streams of a container", () => {
  it("end well where the connection is reset because the input was not read", async () => {
    assert.deepEqual(await resetAfter(FRAME), ["out", ""]);
  });

  it("fail where a frame is cut off", async () => {
    await assert.rejects(resetAfter(FRAME.subarray(0, 10)), /cut off/);
  });
});
