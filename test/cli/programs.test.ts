import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { whyNoWall } from "../support/skiff/walls.ts";

describe("the command skiff, for programs", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let processes: CommandLine;
  let cli: CommandInProcess;
  before(async () => {
    const isWalled = whyNoWall("bwrap") === undefined;
    skiff = await startedSkiff({ env: isWalled ? {} : { SKIFF_ISOLATION: "none" } });
    processes = new CommandLine({ SKIFF_URL: skiff.url });
    cli = processes.inProcess;
  });
  after(async () => {
    await processes.close();
    await skiff.close();
  });

  it("deploys the folder that init makes, and calls it", async () => {
    await cli.output(["init", "upper", "--runtime", "shell"]);
    assert.equal((await cli.json(["deploy", "upper"])).created, true);
    assert.equal(await cli.output(["call", "upper", "-d", "text"]), "TEXT");
  });

  it("deploys a file with a command and settings, and describes them", async () => {
    writeFileSync(join(cli.folder, "sort.sh"), 'sort "$@"\n');
    const options = [
      "--runtime",
      "program",
      "--command",
      "sh ./main -r",
      "--pool",
      "0",
      "--isolation",
      "call",
    ];
    await cli.output(["deploy", "sort.sh", ...options]);
    const text = await cli.output(["describe", "sort"]);
    assert.match(text, /^runtime: +program, command sh \.\/main -r$/m);
    assert.match(text, /^isolation: +an instance for each call, 0 kept ready$/m);
    assert.match(text, /^sandbox: +\S/m);
  });

  it("refuses a path beside an image", async () => {
    const both = await cli.run(["deploy", "sort.sh", "--image", "nginx"]);
    assert.equal(both.code, 2);
    assert.match(
      both.stderr,
      /^error: sort\.sh and --image nginx are two sources: leave one of them out\.$/m,
    );
  });
});
