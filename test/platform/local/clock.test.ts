import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { servingOf } from "../../support/platform/deploying.ts";
import { answering, draftOf } from "../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";

const HOUR_MS = 3_600_000;

describe("a wall clock that is set", () => {
  const now = Date.now;
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  afterEach(() => {
    Date.now = now;
  });
  after(() => local.close());

  it("forward does not make a function idle", async () => {
    const { id } = await local.publish(draftOf("forward", answering("hi"), { idleMs: HOUR_MS / 2 }));
    const from = performance.now();
    Date.now = () => now() + HOUR_MS;
    await eventually("it was looked after a few times", () => performance.now() - from > 600);
    assert.equal(local.instance("forward").id, id);
  });

  it("back does not keep a function from being idle", async () => {
    await local.publish(draftOf("back", answering("hi"), { idleMs: 100 }));
    Date.now = () => now() - HOUR_MS;
    await eventually("it is idle", () => servingOf(local.platform, "back")?.instances.length === 0);
  });
});
