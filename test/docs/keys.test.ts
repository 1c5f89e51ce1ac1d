import assert from "node:assert/strict";
import { documentRunner } from "../support/skiff/document-runner.ts";
import type { DocumentRun } from "../support/skiff/documented-commands.ts";

describe("docs/keys.md", function () {
  this.timeout(60_000);
  const run = documentRunner("docs/keys.md");
  let outputOf: DocumentRun["outputOf"];
  before(async () => {
    ({ outputOf } = await run());
  });

  it("creates a key that is shown", () => {
    const { key, scopes } = JSON.parse(outputOf("ci-deploy"));
    assert.match(key, /^sk_k\w{9}_/);
    assert.deepEqual(scopes, ["read", "deploy"]);
  });

  it("calls a function with a key", () => {
    assert.match(outputOf("access=key"), /for callers with a key$/);
  });

  it("says who the caller is", () => assert.equal(JSON.parse(outputOf("/whoami")).by, "local"));

  it("changes, rotates and revokes a key", () => {
    const lines = outputOf("overlap=1h").trim().split("\n");
    const [changed, rotated, revoked] = lines.map((line) => JSON.parse(line));
    assert.deepEqual(changed.scopes, ["call", "read"]);
    assert.ok(rotated.key && rotated.previousUntil);
    assert.deepEqual(revoked, { success: true });
  });
});
