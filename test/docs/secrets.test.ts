import assert from "node:assert/strict";
import { join } from "node:path";
import { documentRunner } from "../support/skiff/document-runner.ts";

describe("docs/secrets.md", function () {
  this.timeout(60_000);
  const run = documentRunner("docs/secrets.md", (folder) => ({
    SKIFF_SECRETS_KEY_FILE: join(folder, "secrets.key"),
  }));

  it("shows commands that work, with the answers that it says", async () => {
    const [stored, used, patched, changed, third, listed, removed] = (await run()).blocks;
    assert.equal(
      stored!.output.trim(),
      '{"name":"db-password","version":1,"created":true,"unchanged":false,"functions":[],"failed":[]}',
    );
    assert.match(used!.output, /The password has 28 characters\.$/m);
    assert.match(patched!.output, /"version":2/);
    assert.match(changed!.output, /"version":2.*"functions":\[\{"name":"shop","version":3\}\]/);
    assert.match(changed!.output, /The password has 13 characters\.$/m);
    assert.match(third!.output, /"version":3/);
    assert.match(listed!.output, /"functions":\[\{"name":"shop","version":1,"secretVersion":1\}/);
    assert.match(removed!.output, /\{"success":true\}/);
  });
});
