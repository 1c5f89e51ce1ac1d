import assert from "node:assert/strict";
import { draftOf } from "../../support/draft.ts";
import { eventually } from "../../support/eventually.ts";
import { instancesIn } from "../../support/instance-folders.ts";
import { TemporaryLocalPlatform } from "../../support/temporary-local-platform.ts";

describe("starting several instances of a new version", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  const noneIsLeft = () => eventually("no process is left", () => instancesIn(local.dataFolder).length === 0);

  it("leaves none of them when one does not start", async () => {
    // That all twelve start happens once in 4,096 runs.
    const code = `
      if (Math.random() < 0.5) throw new Error("half of us break");
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
    await eventually("some have a process", () => instancesIn(local.dataFolder).length > 0);
    leaving.abort(new Error("the client left"));
    await assert.rejects(published, { message: "the client left" });
    await noneIsLeft();
  });
});
