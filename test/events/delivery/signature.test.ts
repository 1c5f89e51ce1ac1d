import assert from "node:assert/strict";
import { signatureFields } from "../../../events/delivery/signature.ts";

describe("the signature of a callback", () => {
  // The example of the specification.
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const body = Buffer.from('{"test": 2432232314}');
  const message = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", now: 1_614_265_330_999 };
  const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

  it("is that of Standard Webhooks", async () => {
    const fields = await signatureFields(
      secret,
      { ...message, body: { inline: body } },
      { read: () => assert.fail() },
    );
    assert.deepEqual(fields, [
      ...["webhook-id", message.id, "webhook-timestamp", "1614265330", "webhook-signature", signature],
    ]);
  });

  it("is the same for a body that is not in the row, and another one for another secret", async () => {
    const stored = { id: "b1", bytes: body.length };
    const bodies = {
      async *read() {
        for (const byte of body) yield Uint8Array.of(byte);
      },
    };
    const fields = await signatureFields(secret, { ...message, body: stored }, bodies);
    assert.equal(fields.at(-1), signature);
    const other = await signatureFields("a plain text", { ...message, body: stored }, bodies);
    assert.notEqual(other.at(-1), signature);
  });
});
