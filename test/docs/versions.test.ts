import assert from "node:assert/strict";
import { documentRunner } from "../support/skiff/document-runner.ts";

describe("docs/versions.md", () => {
  const run = documentRunner("docs/versions.md");

  it("has commands that work", async () => {
    const { blocks } = await run();
    const outputs = blocks.map(({ output }) => output);
    assert.match(outputs[1]!, /"message":"Say two".*"message":"The first one"/s);
    assert.match(outputs[2]!, /^-export default \(\) => "one";\n\+export default \(\) => "two";$/m);
    assert.equal(outputs[3], "one");
  });
});
