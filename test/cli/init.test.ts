import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { startedSkiff } from "../support/skiff/started-skiff.ts";

describe("skiff init", function () {
  this.timeout(60_000);
  let cli: CommandLine;
  before(() => {
    cli = new CommandLine();
  });
  after(() => cli.close());

  it("makes a function that can be deployed, with settings of its own", async () => {
    const skiff = await startedSkiff();
    try {
      assert.match(await cli.output(["init", "greeter"]), /^created greeter\/main\.ts\n/);
      const env = { SKIFF_URL: skiff.url };
      await cli.output(["deploy", "greeter"], { env });
      assert.equal(await cli.output(["call", "greeter?name=Ada"], { env }), '{"hello":"Ada","version":1}');
      const { settings } = await cli.json<{ settings: { timeoutMs: number } }>(["describe", "greeter"], {
        env,
      });
      assert.equal(settings.timeoutMs, 30_000);
    } finally {
      await skiff.close();
    }
  });

  it("makes a test that passes, with types that are right", () => {
    const folder = join(cli.folder, "greeter");
    const { status, stderr, stdout } = spawnSync(denoPath(), ["test", "--check"], {
      cwd: folder,
      env: { ...process.env, HOME: cli.folder, NO_COLOR: "1" },
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
  });

  it("gives the types that the runtime has", () => {
    const body = (text: string) => /export interface Context \{[\s\S]*?\n\}/.exec(text)![0];
    const runtime = readFileSync(new URL("../../client-image/forms/context.ts", import.meta.url), "utf8");
    assert.equal(body(readFileSync(join(cli.folder, "greeter/context.ts"), "utf8")), body(runtime));
  });

  it("overwrites nothing", async () => {
    const { code, stderr } = await cli.run(["init", "greeter"]);
    assert.equal(code, 2);
    assert.match(stderr, /^error: greeter has main\.ts, .* already: choose another folder\.\n$/);
  });
});
