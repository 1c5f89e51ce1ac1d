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

  async function stopped(name: string): Promise<void> {
    await eventually(`${name} is idle`, () => servingOf(local.platform, name)?.instances.length === 0);
  }

  it("forward does not make a function idle", async () => {
    const { id } = await local.publish(draftOf("forward", answering("hi"), { idleMs: HOUR_MS / 2 }));
    Date.now = () => now() + HOUR_MS;
    // It is stopped by the same look at all functions, and after the clock was set.
    await local.publish(draftOf("other", answering("hi"), { idleMs: 100 }));
    await stopped("other");
    assert.equal(local.instance("forward").id, id);
  });

  it("back does not keep a function from being idle", async () => {
    await local.publish(draftOf("back", answering("hi"), { idleMs: 100 }));
    Date.now = () => now() - HOUR_MS;
    await stopped("back");
  });
});
