import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { decodeLoad } from "../../../../client-image/load-message.ts";
import { Opener, podKey, Sealer } from "../../../../client-image/sealed.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import { sealLoad } from "../../../../platform/kubernetes/pool/pool-load.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { defaultSettings } from "../../../../platform/settings.ts";
import { answering } from "../../../support/platform/draft.ts";

describe("the bundle in what a pod of the pool is sent", () => {
  const { ours, pods } = poolKeys("secret");
  const limits = limitsFromEnv({});

  /** As the pod gets it. */
  async function sent(bundle: Uint8Array): Promise<Buffer> {
    const load = { name: "hello", version: 1, settings: defaultSettings(limits), bundle };
    const sealed = await sealLoad(load, { uid: "uid", sealer: new Sealer(ours), limits });
    const opener = await Opener.from({ ...pods, own: await podKey(ours.seed, "uid") }, "uid");
    return Buffer.from(decodeLoad(await opener.open(sealed)).bundle);
  }

  it("is unpacked when it is small, which the pod would need longer for", async () => {
    const code = answering("hello");
    assert.equal((await sent(gzipSync(code))).toString(), code);
  });

  it("stays packed when it is large, or gets large by unpacking, which would hold up the router's calls", async () => {
    const { length } = await sent(gzipSync(" ".repeat(500_000)));
    assert.equal(length, 500_000, "what unpacks within a few milliseconds is unpacked");
    const packed = gzipSync(" ".repeat(20 * 1024 ** 2));
    assert.ok(packed.length < 64 * 1024);
    assert.ok(packed.equals(await sent(packed)));
  });
});
