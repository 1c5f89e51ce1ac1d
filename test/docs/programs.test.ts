import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { notTried } from "../support/not-tried.ts";
import { documentRunner } from "../support/skiff/document-runner.ts";
import { whyNoWall } from "../support/skiff/walls.ts";

describe("docs/programs.md", function () {
  this.timeout(120_000);
  const isWalled = whyNoWall("bwrap") === undefined;
  const run = documentRunner("docs/programs.md", () => (isWalled ? {} : { SKIFF_ISOLATION: "none" }));

  it("shows commands that work, with the answers that it says", async function () {
    const { error } = spawnSync("python3", ["--version"], { env: { PATH: "/usr/local/bin:/usr/bin:/bin" } });
    if (error) notTried(this, "python3 is not installed");
    const [upper, page, server, greeter] = (await run()).blocks;
    assert.match(upper!.output, /A TEXT$/);
    assert.match(page!.output, /HTTP\/1\.1 201 .*text\/html.*<h1>\/made<\/h1>/s);
    assert.match(server!.output, /hello from \/there\n$/);
    assert.match(greeter!.output, /\{"hello": ?"Ada", ?"runtime": ?"python3[^"]*"\}$/);
  });
});
