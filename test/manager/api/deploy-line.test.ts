import { strict as assert } from "node:assert";
import { onOneLine } from "../../../manager/api/answer.ts";
import { deployedLine, notDeployedLine } from "../../../manager/api/deploy-function.ts";
import { Problem } from "../../../platform/problems.ts";

const DEPLOYED = {
  name: "useragent",
  version: 2,
  created: false,
  unchanged: false,
  share: 1,
  waitedMs: 2,
  startMs: 36.4,
};

describe("manager: the line of a deploy", () => {
  it("gives the time of build and start", () => {
    const line = deployedLine({ ...DEPLOYED, buildMs: 2.6 });
    assert.equal(line, "deployed useragent version 2 in 41 ms (build 3 ms, start 36 ms)");
  });

  it("says that a bundle was used again", () => {
    assert.equal(deployedLine(DEPLOYED), "deployed useragent version 2 in 38 ms (same bundle, start 36 ms)");
  });

  it("gives the wait for other deploys when there was one", () => {
    const line = deployedLine({ ...DEPLOYED, waitedMs: 1_500, buildMs: 3 });
    assert.equal(line, "deployed useragent version 2 in 1.5 s (waited 1.5 s, build 3 ms, start 36 ms)");
  });

  it("says unchanged when there was nothing to do", () => {
    const line = deployedLine({ ...DEPLOYED, unchanged: true });
    assert.equal(line, "unchanged useragent: version 2 has this source and these settings");
  });

  it("gives the advice of a failure in one line", () => {
    const line = notDeployedLine("useragent", new Problem("build_failed", "main.ts:1:2: no\n  const\n"));
    assert.equal(line, "not deployed: useragent: main.ts:1:2: no const ");
  });

  it("does not show the text of an unexpected failure, which has a line of its own", () => {
    assert.ok(!notDeployedLine("useragent", new Error("secret")).includes("secret"));
  });

  it("lets no control character and no endless text through", () => {
    assert.equal(onOneLine("a\u001b[31m\r\n\u0085\u202e\u2028b"), "a [31m b");
    assert.equal(onOneLine("x".repeat(5_000)).length, 1_000);
  });
});
