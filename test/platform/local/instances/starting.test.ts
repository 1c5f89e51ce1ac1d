import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isWorkOver, type SampledStart, usualWorkMs } from "../../../../platform/local/scaling/start-work.ts";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { publish, servingOf, wake } from "../../../support/platform/deploying.ts";
import { answering, draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

describe("starting several instances of a new version", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const noneIsLeft = () => eventually("no process is left", () => instancesIn(local.dataFolder).length === 0);

  /** A version that started once, whose instances run `code` from now on. */
  async function stored(name: string, code: string): Promise<void> {
    await local.platform.store(draftOf(name, answering("hi"), { min: 12, max: 12, idleMs: 100 }));
    const folder = join(local.dataFolder, "functions", name);
    for (const version of readdirSync(folder)) writeFileSync(join(folder, version, "bundle.mjs"), code);
  }

  it("leaves none of them when one does not start", async () => {
    // That all start happens once in 2 ** 36 runs.
    const code = `
      if (Math.random() < 0.9) throw new Error("most of us break");
      export default () => "hi";`;
    await stored("most", code);
    await assert.rejects(local.platform.route("most", [{ version: 1, weight: 1 }]), {
      code: "start_failed",
      detail: /^Version 1 .*The traffic was not changed\..*most of us break/s,
    });
    await noneIsLeft();
    assert.deepEqual((await local.platform.describe("most"))?.traffic, []);
  });

  it("keeps those that are ready while the others start, however short the idle time is", async () => {
    const code = `await new Promise((resolve) => setTimeout(resolve, 700)); export default () => "hi";`;
    await local.platform.store(draftOf("slow", code, { min: 2, idleMs: 100 }));
    await local.platform.route("slow", [{ version: 1, weight: 1 }]);
    assert.equal(servingOf(local.platform, "slow")?.instances.length, 2);
    await local.platform.remove("slow");
  });

  it("leaves none of them when its signal aborts meanwhile, and does not wait for them", async () => {
    const leaving = new AbortController();
    await stored("left", `await new Promise(() => {});`);
    const routed = local.platform.route("left", [{ version: 1, weight: 1 }], leaving.signal);
    await eventually("some have a process", () => instancesIn(local.dataFolder).length > 1);
    leaving.abort(new Error("the client left"));
    await assert.rejects(routed, { message: "the client left" });
    await noneIsLeft();
  });
});

describe("starts that hang", () => {
  /** They hold a place each for as long as they start, without it. */
  const STARTING_MS = 40_000;
  let local: TemporaryLocalPlatform;
  beforeEach(async () => {
    local = await TemporaryLocalPlatform.open({ limits: { startMs: STARTING_MS } });
  });
  afterEach(() => local.close());

  for (const [how, code] of Object.entries({
    "by waiting for something": `await new Promise((resolve) => setTimeout(resolve, 60_000));`,
    "by looping": `for (;;);`,
  })) {
    it(`${how} hold no deploy, no waking and no removal up`, async () => {
      await local.publish(draftOf("cold", answering("cold"), { idleMs: 100 }));
      await local.publish(draftOf("removed", answering("removed")));
      await eventually("it is cold", () => servingOf(local.platform, "cold")?.instances.length === 0);
      const leaving = new AbortController();
      const hanging = Array.from({ length: 16 }, (_, index) =>
        publish(local.platform, draftOf(`hanging-${index}`, code), leaving.signal).catch(
          (error: Error) => error,
        ),
      );
      const fromMs = performance.now();
      await Promise.all([
        publish(local.platform, draftOf("new", answering("new"))),
        wake(local.platform, "cold"),
        local.platform.remove("removed"),
      ]);
      const tookMs = performance.now() - fromMs;
      assert.ok(tookMs < STARTING_MS / 2, `${tookMs} ms`);
      assert.equal((await call(local.instance("new").address)).text, "new");
      leaving.abort(new Error("the client left"));
      for (const error of await Promise.all(hanging)) assert.match(String(error), /the client left/);
    });
  }
});

describe("the work of a start", () => {
  const seen = (change: Partial<SampledStart>) =>
    isWorkOver({ forMs: 1_000, usedMs: 50, idleSamples: 0, usualMs: 100, ...change });

  it("is over when it waits, does more than starts do, or takes very long", () => {
    assert.equal(seen({}), false);
    assert.equal(seen({ idleSamples: 3 }), false);
    assert.equal(seen({ idleSamples: 4 }), true);
    assert.equal(seen({ usedMs: 100 }), true);
    assert.equal(seen({ forMs: 2_000 }), true);
  });

  it("may be more for a program, which starts beside its host", () => {
    const usualMs = (mode?: "call" | "serve") =>
      usualWorkMs({ runtime: mode ? "program" : "deno", program: mode ? { mode } : {} });
    assert.ok(usualMs() < usualMs("call") && usualMs("call") < usualMs("serve"));
    assert.equal(seen({ usedMs: 150, usualMs: usualMs("call") }), false);
  });

  it("is over after a moment where nobody sees it", () => {
    assert.equal(seen({ usedMs: undefined, forMs: 299 }), false);
    assert.equal(seen({ usedMs: undefined, forMs: 300 }), true);
  });
});
