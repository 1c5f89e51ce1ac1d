import assert from "node:assert/strict";
import { gitError } from "../../../manager/api/git/git-request.ts";

describe("errors in the protocol of git", () => {
  it("are packets whose lengths are right, wherever a long text is cut", () => {
    for (const before of ["", "a", "ab"]) {
      for (const service of ["git-upload-pack", "git-receive-pack"]) {
        const detail = `${before}${"é€".repeat(400)}`;
        const { body } = gitError(`/git/a.git/${service}`, { status: 404, detail })!;
        const packets = packetsOf(Buffer.from(body));
        assert.equal(packets.length, service === "git-upload-pack" ? 1 : 2);
        assert.ok(packets.every(({ length }) => length <= 996));
        assert.match(packets[0]!.toString(), /^.+?a?b?(?:é€){100}/);
      }
    }
  });
});

/** The contents of packets up to the end of `bytes`. */
function packetsOf(bytes: Buffer): Buffer[] {
  if (bytes.length === 0) return [];
  const length = Number.parseInt(bytes.toString("latin1", 0, 4), 16);
  assert.ok(length >= 4 && length <= bytes.length, `a packet of ${length} bytes`);
  return [bytes.subarray(4, length), ...packetsOf(bytes.subarray(length))];
}
