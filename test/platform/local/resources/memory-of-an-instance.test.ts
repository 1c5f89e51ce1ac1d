import assert from "node:assert/strict";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { needsLinux } from "../../../support/not-tried.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

/** Bodies of handlers that take ever more of what is no memory of the process itself. */
const HIDDEN = {
  "socket buffers": `
    const listener = Deno.listen({ transport: "unix", path: "self" });
    for (;;) {
      const [one, other] = await Promise.all([Deno.connect({ transport: "unix", path: "self" }), listener.accept()]);
      kept.push(one, other);
      for (const each of [one, other]) each.write(new Uint8Array(2 ** 20)).catch(() => {});
    }`,
  "page tables": `
    for (;;) {
      const memory = new WebAssembly.Memory({ initial: 0, maximum: 65_536, shared: true });
      kept.push(memory);
      memory.grow(65_535);
      const bytes = new Uint8Array(memory.buffer);
      for (let at = 0; at < bytes.length; at += 2 ** 21) Atomics.load(bytes, at);
      await new Promise((resolve) => setTimeout(resolve));
    }`,
  "shared memory": `
    for (;;) {
      kept.push(new Uint8Array(new SharedArrayBuffer(2 ** 20)).fill(1));
      await new Promise((resolve) => setTimeout(resolve));
    }`,
};

for (const [how, useGroups] of [
  ["in a control group where there is one", true],
  ["sampled", false],
] as const) {
  describe(`the memory of an instance, ${how},`, () => {
    let local: TemporaryLocalPlatform;
    before(async () => {
      local = await TemporaryLocalPlatform.open({ useGroups });
    });
    after(() => local.close());

    for (const [what, attack] of Object.entries(HIDDEN)) {
      it(`has its ${what}`, async function () {
        // What the system holds nowhere but here.
        needsLinux(this, "the memory of processes in /proc");
        const name = `${what.replaceAll(" ", "-")}`;
        const code = `const kept = []; export default async () => { ${attack} };`;
        const { address } = await local.publish(draftOf(name, code));
        const outcome = await call(address).catch(() => undefined);
        if (outcome?.status === 500) {
          // Sampling does not see these, so the number of connections is limited.
          assert.equal(what, "socket buffers");
          await local.logged("Too many open files");
          return;
        }
        assert.equal(outcome, undefined);
        const error = async () => (await local.platform.describe(name))!.lastErrors.at(-1)?.message ?? "";
        await eventually("it is described", async () => (await error()) !== "");
        assert.match(await error(), /limit of 128 MiB \(setting memoryMiB\)/);
        await local.platform.remove(name);
      });
    }

    it("is described", async function () {
      needsLinux(this, "the memory of processes in /proc");
      await local.publish(draftOf("described", `export default () => "hi";`));
      const described = await local.platform.describe("described");
      const { memoryMiB = 0 } = described!.instances[0]!;
      assert.ok(memoryMiB > 4 && memoryMiB < 100, `${memoryMiB} MiB`);
    });
  });
}
