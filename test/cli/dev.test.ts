import assert from "node:assert/strict";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { processesWith } from "../support/instances/processes.ts";
import { CommandLine, type RunningCommand } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

interface DevEvent {
  readonly event: string;
  readonly version?: number;
  readonly ms?: number;
  readonly url?: string;
  readonly detail?: string;
  readonly text?: string;
  readonly path?: string;
  readonly status?: number;
}

describe("skiff dev", function () {
  this.timeout(120_000);
  let cli: CommandLine;
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(async () => {
    for (const pid of processesWith(cli.folder)) process.kill(pid, "SIGKILL");
    await cli.close();
  });

  const write = (path: string, text: string) => {
    mkdirSync(join(cli.folder, path, ".."), { recursive: true });
    writeFileSync(join(cli.folder, path), text);
  };
  const eventsOf = (command: RunningCommand) =>
    command.result.stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as DevEvent);
  /** Waits for an event that was not there before. */
  async function next(
    command: RunningCommand,
    matches: (event: DevEvent) => boolean,
    from = 0,
  ): Promise<DevEvent> {
    const found = () => eventsOf(command).slice(from).find(matches);
    await eventually("the event", () => found() !== undefined, 30_000).catch((error: Error) => {
      throw new Error(`${error.message}\n${command.result.stdout}${command.result.stderr}`);
    });
    return found()!;
  }

  describe("at a Skiff that runs", () => {
    let skiff: StartedSkiff;
    before(async () => {
      skiff = await startedSkiff({ env: { SKIFF_START_TIMEOUT: "3s" } });
    });
    after(() => skiff.close());

    it("deploys on each save of the file, of what it imports, and through links, but not without a change", async () => {
      write("elsewhere/word.ts", 'export const word = "one";\n');
      mkdirSync(join(cli.folder, "app"));
      symlinkSync(join(cli.folder, "elsewhere/word.ts"), join(cli.folder, "app/word.ts"));
      write("app/hello.ts", 'import { word } from "./word.ts";\nexport default () => word;\n');
      const dev = cli.start(["dev", "app/hello.ts", "--url", skiff.url, "--json"]);
      const call = async () => (await fetch(`${skiff.url}/fn/hello`)).text();
      await next(dev, ({ event, version }) => event === "deployed" && version === 1);
      assert.equal(await call(), "one");

      write("elsewhere/word.ts", 'export const word = "two";\n');
      await next(dev, ({ event, version }) => event === "deployed" && version === 2);
      assert.equal(await call(), "two");

      // As editors save: a new file takes the place of the old one.
      write("app/new", 'import { word } from "./word.ts";\nexport default () => "saved " + word;\n');
      renameSync(join(cli.folder, "app/new"), join(cli.folder, "app/hello.ts"));
      await next(dev, ({ event, version }) => event === "deployed" && version === 3);
      assert.equal(await call(), "saved two");

      write("app/unrelated.txt", "nothing");
      write("app/hello.ts", 'import { word } from "./word.ts";\nexport default () => "last " + word;\n');
      await next(dev, ({ event, version }) => event === "deployed" && version === 4);
      assert.equal(eventsOf(dev).filter(({ event }) => event === "deployed").length, 4);
      dev.signal("SIGINT");
      assert.equal(await dev.ended(), 0);
    });

    it("shows build errors with their line, goes on, and deploys what is mended", async () => {
      write("shop/main.ts", "export default () => {\n  const a b;\n};\n");
      const dev = cli.start(["dev", "shop", "--url", skiff.url, "--json"]);
      const { detail } = await next(dev, ({ event }) => event === "failed");
      assert.match(detail!, /^shop\/main\.ts:2:11: .*\n {2}2 \| {3}const a b;\n {4}\| {11}\^$/);
      write("shop/main.ts", 'import { x } from "./lib/x.ts";\nexport default () => x;\n');
      await next(dev, (each) => each.event === "failed" && /lib\/x\.ts/.test(each.detail ?? ""));
      // The folder is new.
      write("shop/lib/x.ts", 'export const x = "mended";\n');
      await next(dev, ({ event }) => event === "deployed");
      assert.equal(await (await fetch(`${skiff.url}/fn/shop`)).text(), "mended");
      write("shop/lib/x.ts", 'export const x = "changed";\n');
      await next(dev, ({ event, version }) => event === "deployed" && version === 2);
    });

    it("goes on after a start that hangs", async () => {
      write("slow.ts", "await new Promise(() => {});\nexport default () => 1;\n");
      const dev = cli.start(["dev", "slow.ts", "--url", skiff.url, "--json"]);
      await next(dev, ({ event }) => event === "info");
      write("slow.ts", 'export default () => "quick";\n');
      await next(dev, ({ event }) => event === "deployed");
      assert.equal(await (await fetch(`${skiff.url}/fn/slow`)).text(), "quick");
    });
  });

  it("starts a Skiff if none answers, shows logs and calls, and stops it", async () => {
    write("here.ts", 'export default () => {\n  console.log("printed");\n  return 1;\n};\n');
    // Nothing listens there, so that a Skiff on the usual port of this machine is left alone.
    const dev = cli.start(["dev", "here.ts", "--url", "http://127.0.0.1:1"]);
    const [, url] = await dev.printed(/version 1 is live after [\d.]+ m?s: (http:\S+)/, 60_000);
    assert.equal(await (await fetch(`${url}/sub?a=1`)).text(), "1");
    await dev.printed(/^\d\d:\d\d:\d\d GET \/fn\/here\/sub 200 in [\d.]+ m?s$/m);
    await dev.printed(/^\d\d:\d\d:\d\d {3}printed$/m);
    write("here.ts", "export default () => {\n");
    await dev.printed(/^\d\d:\d\d:\d\d error: here\.ts:2:1: Unexpected end of file$/m);
    dev.signal("SIGINT");
    assert.equal(await dev.ended(), 0, dev.result.stderr);
    assert.deepEqual(processesWith(join(cli.folder, ".local/share/skiff/dev")), []);
  });
});
