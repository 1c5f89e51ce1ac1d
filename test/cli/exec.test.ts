import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandRules } from "../../platform/images/command-rules.ts";
import { type StartedManager, startManager } from "../manager/started-manager.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";
import { ProcessCommands } from "../support/platform/process-commands.ts";
import { CommandInProcess } from "../support/skiff/command-in-process.ts";

describe("skiff exec", () => {
  let skiff: StartedManager;
  let cli: CommandInProcess;
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-"));
  before(async () => {
    const platform = new FakePlatform({ commands: new ProcessCommands() });
    skiff = await startManager({ platform, commandRules: commandRules({ SKIFF_IMAGES: "box" }, true) });
    cli = new CommandInProcess(folder, { SKIFF_URL: skiff.url });
  });
  after(async () => {
    await skiff.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const sh = (script: string, ...options: string[]) => ["exec", ...options, "box", "--", "sh", "-c", script];

  it("prints the output, and exits with the code of the command", async () => {
    const { code, stdout, stderr } = await cli.run(sh("echo $0 -x; exit 7"));
    assert.deepEqual([code, stdout, stderr], [7, "sh -x\n", ""]);
    assert.equal(
      await cli.output(["exec", "box", "--", "printf", "%s|", "a b", "--", "-e", "$HOME"]),
      "a b|--|-e|$HOME|",
    );
  });

  it("passes standard input and variables on", async () => {
    const input = "x".repeat(200_000);
    assert.equal(await cli.output(sh("cat"), { input }), input);
    const { stdout } = await cli.run(sh('printf "%s|" "$A" "$Bc"', "-e", "A=schön = x", "--env", "Bc="));
    assert.equal(stdout, "schön = x||");
    for (const wrong of ["=x", "name=x", "A=a\nb"]) {
      const { code, stderr } = await cli.run(sh("true", "-e", wrong));
      assert.equal(code, 2, stderr);
    }
  });

  it("says that Skiff ended the command, or why it did not start", async () => {
    const late = await cli.run(sh("echo begun; sleep 30", "--timeout", "300ms"));
    assert.deepEqual([late.code, late.stdout], [6, "begun\n"]);
    assert.match(late.stderr, /^error: Skiff ended the command: timeout\.\n$/);
    const missing = await cli.run(["exec", "box", "--", "no-such-program"]);
    assert.equal(missing.code, 3);
    assert.match(missing.stderr, /^error: There is no program/);
    assert.equal((await cli.run(["exec", "alpine", "--", "ls"])).code, 5);
  });

  it("prints the result as JSON", async () => {
    const { code, stdout } = await cli.run(["--json", ...sh("echo out; exit 4")]);
    const { exitCode, output, errors, truncated } = JSON.parse(stdout);
    assert.deepEqual([code, exitCode, output, errors, truncated], [4, 4, "out\n", "", false]);
  });
});
