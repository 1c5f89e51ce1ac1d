import assert from "node:assert/strict";
import { call } from "../../../support/instances/call-instance.ts";
import { programDraft } from "../../../support/packed-program.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

describe("programs on one machine", () => {
  let local: TemporaryLocalPlatform;

  before(async function () {
    needsWall(this, "bwrap");
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local?.close());

  it("run in their sandbox, and answer with what they print", async () => {
    const instance = await local.publish(programDraft("echo", "#!/bin/sh\ncat\n"));
    const answer = await call(instance.address, { method: "POST", body: "hello" });
    assert.equal(answer.text, "hello");
  });
});
