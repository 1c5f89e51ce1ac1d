import assert from "node:assert/strict";
import { documentRunner } from "../support/skiff/document-runner.ts";

describe("docs/quotas.md", () => {
  const run = documentRunner("docs/quotas.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    assert.match(outputOf("/fn/hello"), /hello$/);
    assert.match(outputOf("/usage\n"), /"total":\{"calls":/);
    assert.match(outputOf("format=csv"), /^function,version,hour,calls,errors,gbSeconds,bytesOut\r\n/);
  });
});
