import assert from "node:assert/strict";
import { documentRunner } from "../../support/skiff/document-runner.ts";

describe("docs/schedules.md", () => {
  const run = documentRunner("docs/schedules.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    assert.match(outputOf("name=report"), /"version":1/);
    const { next, spec } = JSON.parse(outputOf("8080/schedule/nightly\n"));
    assert.equal(next.length, 10);
    assert.equal(spec.timeZone, "Europe/Berlin");
    assert.match(outputOf("/run"), /"schedule"/);
    assert.match(outputOf("/firings"), /"firings":\[/);
  });
});
