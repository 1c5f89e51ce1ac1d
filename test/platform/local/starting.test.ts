import assert from "node:assert/strict";
import { draftOf } from "../../support/draft.ts";
import { eventually } from "../../support/eventually.ts";
import { processesWith } from "../../support/processes.ts";
import { TemporaryLocalPlatform } from "../../support/temporary-local-platform.ts";

describe("starting several instances of a new version", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const noneIsLeft = () =>
    eventually("no process is left", () => processesWith(local.dataFolder).length === 0);

  it("leaves none of them when one does not start", async () => {
    // Each decides by the last digit of its random id: that all twelve start happens once in 4,096 runs.
    const code = `
      const digit = Number.parseInt(Deno.cwd().split("/").at(-2).at(-1), 16);
      if (digit < 8) throw new Error("half of us break");
      export default () => "hi";`;
    await assert.rejects(local.platform.publish(draftOf("half", code, { min: 12, max: 12 })), {
      code: "start_failed",
      detail: /half of us break/,
    });
    await noneIsLeft();
    assert.equal(await local.platform.describe("half"), undefined);
  });

  it("leaves none of them when its signal aborts meanwhile, and does not wait for them", async () => {
    const leaving = new AbortController();
    const code = `await new Promise(() => {});`;
    const published = local.platform.publish(draftOf("left", code, { min: 12, max: 12 }), leaving.signal);
    await eventually("some have a process", () => processesWith(local.dataFolder).length > 0);
    leaving.abort(new Error("the client left"));
    await assert.rejects(published, { message: "the client left" });
    await noneIsLeft();
  });
});
