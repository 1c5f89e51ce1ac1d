import assert from "node:assert/strict";
import { documentRunner } from "../support/skiff/document-runner.ts";

describe("docs/logs.md", () => {
  const run = documentRunner("docs/logs.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    assert.match(outputOf("/func/hello/logs\n"), /^\S+Z v1 \S+ stdout info [0-9a-f-]{36} called GET\n/m);
    assert.match(outputOf("level=error"), / stderr error [0-9a-f-]{36} call .* failed: Error: it is bad\n/);
    assert.match(outputOf("search="), /it is bad/);
    const lines = outputOf("x-ndjson").split("\n").slice(0, -1);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.equal(JSON.parse(line).function, "hello");
  });
});
