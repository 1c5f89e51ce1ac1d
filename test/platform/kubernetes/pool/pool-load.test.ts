import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { decodeLoad, type LoadMessage } from "../../../../client-image/load-message.ts";
import { Opener, podKey, Sealer } from "../../../../client-image/sealed.ts";
import { START_VARIABLE } from "../../../../client-image/start-message.ts";
import { poolKeys } from "../../../../platform/kubernetes/pool/pool-keys.ts";
import { sealLoad } from "../../../../platform/kubernetes/pool/pool-load.ts";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { defaultSettings, type Settings } from "../../../../platform/settings/settings.ts";
import { answering } from "../../../support/platform/draft.ts";

describe("what a pod of the pool is sent", () => {
  const { ours, pods } = poolKeys("secret");
  const limits = limitsFromEnv({});

  /** As the pod gets it. */
  async function opened(
    bundle: Uint8Array,
    settings: Partial<Settings> = {},
  ): Promise<{ message: LoadMessage; bundle: Uint8Array }> {
    const load = { name: "hello", version: 1, settings: { ...defaultSettings(limits), ...settings }, bundle };
    const sealed = await sealLoad(load, { uid: "uid", sealer: new Sealer(ours), limits });
    const opener = await Opener.from({ ...pods, own: await podKey(ours.seed, "uid") }, "uid");
    return decodeLoad(await opener.open(sealed));
  }

  async function sent(bundle: Uint8Array): Promise<Buffer> {
    return Buffer.from((await opened(bundle)).bundle);
  }

  it("has the function's concurrency, also for a container that starts again", async () => {
    const { message } = await opened(gzipSync("1"), { concurrency: 7 });
    assert.equal(message.start.concurrency, 7);
    assert.equal(JSON.parse(message.env[START_VARIABLE]!).concurrency, 7);
  });

  it("has a bundle that is unpacked when it is small, which the pod would need longer for", async () => {
    const code = answering("hello");
    assert.equal((await sent(gzipSync(code))).toString(), code);
  });

  it("has a bundle that stays packed when it is large, or gets large by unpacking, which would hold up the router's calls", async () => {
    const { length } = await sent(gzipSync(" ".repeat(500_000)));
    assert.equal(length, 500_000, "what unpacks within a few milliseconds is unpacked");
    const packed = gzipSync(" ".repeat(20 * 1024 ** 2));
    assert.ok(packed.length < 64 * 1024);
    assert.ok(packed.equals(await sent(packed)));
  });
});
