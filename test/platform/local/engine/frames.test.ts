import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { separate } from "../../../../platform/local/engine/frames.ts";

const FRAME = Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, ...Buffer.from("out")]);

const connection = () => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });

/** The streams of a container whose output ends after `bytes`. */
function attached(bytes: Buffer, breakInput = false) {
  const [socket, input] = [connection(), connection()];
  const { output, errors } = separate(
    { socket: socket as unknown as Socket, head: Buffer.of() },
    input as unknown as Socket,
  );
  if (breakInput) input.destroy(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
  socket.push(bytes);
  socket.push(null);
  return Promise.all([text(output), text(errors)]);
}

describe("the streams of a container", () => {
  it("arrive whole where the input was not read", async () => {
    assert.deepEqual(await attached(FRAME, true), ["out", ""]);
  });

  it("fail where a frame is cut off", async () => {
    await assert.rejects(attached(FRAME.subarray(0, 10)), /cut off/);
  });
});
