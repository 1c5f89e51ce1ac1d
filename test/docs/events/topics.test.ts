import assert from "node:assert/strict";
import { documentRunner } from "../../support/skiff/document-runner.ts";

describe("docs/topics.md", () => {
  const run = documentRunner("docs/topics.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    assert.match(outputOf("mail.ts"), /\{"events":\[\{"id":"[-0-9a-f]{36}","position":1\}\]\}/);
    assert.match(outputOf('"id": "o-18"'), /\{"id":"o-18","position":2\}/);
    assert.match(outputOf("/topic/ping/call"), /pong from curl$/);
    assert.match(outputOf("/gateway/test/hello"), /pong from the gateway$/);
  });
});
