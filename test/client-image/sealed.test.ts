import assert from "node:assert/strict";
import { Opener, podKey, Sealer } from "../../client-image/sealed.ts";
import { poolKeys } from "../../platform/kubernetes/pool/pool-keys.ts";

const MESSAGE = Buffer.from("a function");

describe("a sealed message", () => {
  const { ours, pods } = poolKeys("the secret of an installation");
  const sealer = new Sealer(ours);
  const opener = async (uid: string, key = podKey(ours.seed, uid)) =>
    await Opener.from({ ...pods, own: await key }, uid);

  it("is opened by the pod that it is for", async () => {
    const sealed = await sealer.seal(MESSAGE, "pod-a");
    assert.ok(MESSAGE.equals(await (await opener("pod-a")).open(sealed)));
  });

  it("is not opened with the key of another pod, whatever that says it is", async () => {
    const sealed = await sealer.seal(MESSAGE, "pod-b");
    const keyOfA = podKey(ours.seed, "pod-a");
    await assert.rejects((await opener("pod-a")).open(sealed), /the signature is wrong/);
    await assert.rejects((await opener("pod-b", keyOfA)).open(sealed), /sealed for somebody else/);
  });

  it("cannot be made with the seed, nor with the key of a pod: it must be signed", async () => {
    const { ours: strangers } = poolKeys("another secret");
    const forged = await new Sealer({ ...strangers, seed: ours.seed }).seal(MESSAGE, "pod-a");
    await assert.rejects((await opener("pod-a")).open(forged), /the signature is wrong/);
  });

  it("is not opened when a byte of it was changed, or the end is missing", async () => {
    const sealed = await sealer.seal(MESSAGE, "pod-a");
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index]! ^= 1;
      await assert.rejects((await opener("pod-a")).open(changed), /signature/, `byte ${index}`);
    }
    for (const length of [0, 10, sealed.length - 1]) {
      await assert.rejects((await opener("pod-a")).open(sealed.subarray(0, length)), /signature|too short/);
    }
  });

  it("says nothing of its text, and never looks the same", async () => {
    const two = await Promise.all([sealer.seal(MESSAGE, "pod-a"), sealer.seal(MESSAGE, "pod-a")]);
    assert.notDeepEqual(two[0], two[1]);
    for (const sealed of two) assert.equal(Buffer.from(sealed).includes(MESSAGE), false);
  });

  it("leaves the raw key of a pod overwritten, once that is imported", async () => {
    const own = await podKey(ours.seed, "pod-a");
    assert.notDeepEqual(own, new Uint8Array(32));
    await Opener.from({ ...pods, own }, "pod-a");
    assert.deepEqual(own, new Uint8Array(32));
  });
});
