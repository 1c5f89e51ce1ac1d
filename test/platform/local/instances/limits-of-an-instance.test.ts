import assert from "node:assert/strict";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { servingOf } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

describe("an instance over its limits", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open({ watchTimes: { probeEveryMs: 100, probeAtLeastMs: 400 } });
  });
  after(() => local.close());

  for (const [what, grow] of Object.entries({
    "its heap": `kept.push(Array.from({ length: 50_000 }, Math.random));`,
    "buffers outside its heap": `kept.push(new Uint8Array(1_000_000).fill(1));`,
    "one piece": `kept.push(new Uint8Array(400_000_000).fill(1));`,
  })) {
    it(`of memory, in ${what}, is ended with a message that names the setting`, async () => {
      const name = `memory-${what.replaceAll(" ", "-")}`;
      const { address } = await local.publish(
        draftOf(
          name,
          `const kept = []; export default async () => {
          for (;;) { ${grow} await new Promise((resolve) => setTimeout(resolve)); }
        };`,
        ),
      );
      await assert.rejects(call(address));
      const error = async () => (await local.platform.describe(name))!.lastErrors.at(-1)?.message ?? "";
      await eventually("it is described", async () => (await error()) !== "");
      assert.match(await error(), /limit (is|of) 128 MiB \(setting memoryMiB\)/);
      await local.platform.remove(name);
    });
  }

  it("of time, in an endless loop, is found by the health probe", async () => {
    const { address } = await local.publish(
      draftOf("looping", `export default () => { for (;;); };`, { timeoutMs: 100 }),
    );
    await assert.rejects(call(address));
    await local.logged("was stopped: it did not answer its health probe for 400 ms");
    await eventually("it left", () => servingOf(local.platform, "looping")?.instances.length === 0);
  });

  it("of output is slowed down, and nobody else is", async () => {
    const flooding = await local.run(`
      const line = "x".repeat(1_000);
      export default () => { (async () => { for (;;) { console.log(line); await 0; } })(); };`);
    const other = await local.run(`export default () => "fine";`);
    await assert.rejects(call(flooding.address, { signal: AbortSignal.timeout(300) }));
    const from = performance.now();
    const before = local.lines.length;
    await eventually("it has printed 3 MB", async () => {
      assert.equal((await call(other.address)).text, "fine");
      return local.lines.length - before >= 3_000;
    });
    // It may print 1 MiB, and is then not read for a second: twice at least.
    assert.ok(performance.now() - from > 1_900);
  });

  it("or not has a folder of its own, which is removed with it", async () => {
    const one = await local.publish(
      draftOf(
        "scratch",
        `export default async () => {
        await Deno.writeTextFile("kept.txt", "a");
        return [...Deno.readDirSync(Deno.cwd())].map(({ name }) => name).join();
      };`,
      ),
    );
    assert.equal((await call(one.address)).text, "kept.txt");
    const two = await local.run(`export default () => [...Deno.readDirSync(Deno.cwd())].length;`);
    assert.equal((await call(two.address)).text, "0");
    assert.ok(instancesIn(local.dataFolder).includes(one.id));
    await local.platform.remove("scratch");
    await eventually("its folder is gone", () => !instancesIn(local.dataFolder).includes(one.id));
  });
});
