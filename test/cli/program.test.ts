import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { createProgram } from "../../cli/program.ts";
import { eventually } from "../support/eventually.ts";
import { processesWith } from "../support/instances/processes.ts";
import { networkEnvironment } from "../support/network-environment.ts";
import { CommandLine, PROGRAM } from "../support/skiff/command-line.ts";

/** Makes Node take itself for an older one. */
const OLD_NODE = `--import=data:text/javascript,${encodeURIComponent(
  `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });`,
)}`;

describe("the command skiff", function () {
  this.timeout(60_000);
  let cli: CommandLine;
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(async () => {
    for (const pid of processesWith(join(cli.folder, "data"))) process.kill(pid, "SIGKILL");
    await cli.close();
  });

  it("runs by npx in a checkout", () => {
    const { stdout, stderr } = spawnSync("npx", ["--offline", "skiff", "--version"], {
      cwd: join(PROGRAM, "../.."),
      env: networkEnvironment(),
      encoding: "utf8",
    });
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/, stderr);
  });

  it("describes each command, with examples", async () => {
    const help = await cli.output(["--help"]);
    for (const name of ["serve", "deploy", "list", "describe", "call", "logs", "env", "delete", "context"]) {
      assert.match(help, new RegExp(`^ {2}${name}\\b`, "m"));
    }
    assert.match(await cli.output(["deploy", "--help"]), /Examples:\n {2}skiff deploy hello\.ts/);
    assert.match(await cli.output(["help", "call"]), /Global Options:[\s\S]*--json/);
    assert.equal((await cli.run([])).code, 2);
  });

  it("has examples in the help of each command", () => {
    let text = "";
    const stdout = Object.assign(new PassThrough(), {
      write(part: string) {
        text += part;
        return true;
      },
    }) as unknown as NodeJS.WriteStream;
    const { stdin, stderr } = process;
    const host = { program: "", serve: async () => 0 };
    const { commands } = createProgram({ host, env: {}, cwd: cli.folder, stdin, stdout, stderr });
    assert.ok(commands.length > 20);
    for (const command of commands) {
      text = "";
      command.outputHelp();
      if (!command.name().startsWith("_"))
        assert.match(text, /\nExamples:\n {2}(skiff|source) /, command.name());
    }
  });

  it("serves until a signal, from an older Node as well", async () => {
    const serving = cli.start(["serve", "--port", "0", "--data", join(cli.folder, "data")], {
      node: [OLD_NODE],
    });
    const [, url] = await serving.printed(/listens on (http:\S+)/);
    writeFileSync(join(cli.folder, "one.ts"), "export default () => 1;\n");
    const env = { SKIFF_URL: url! };
    await cli.output(["deploy", "one.ts"], { env });
    assert.equal(await cli.output(["call", "one"], { env, node: [OLD_NODE] }), "1");
    assert.equal((await cli.run(["call", "none"], { env, node: [OLD_NODE] })).code, 4);
    serving.signal("SIGINT");
    assert.equal(await serving.ended(), 0);
    assert.match(serving.result.stdout, /SIGINT: letting calls finish/);
    assert.deepEqual(processesWith(join(cli.folder, "data")), []);
  });

  it("stops serving when the process that started it from an older Node is killed", async () => {
    const serving = cli.start(["serve", "--port", "0", "--data", join(cli.folder, "data")], {
      node: [OLD_NODE],
    });
    await serving.printed(/listens on http:/);
    serving.signal("SIGKILL");
    await eventually(
      "no process is left",
      () => processesWith(join(cli.folder, "data")).length === 0,
      30_000,
    );
  });

  it("says why it does not serve", async () => {
    const { code, stderr } = await cli.run(["serve", "--port", "99999"]);
    assert.equal(code, 1);
    assert.match(stderr, /--port 99999 is not a valid port/);
  });

  it("keeps contexts in a file of this user alone, and a key for its address alone", async () => {
    const path = join(cli.folder, ".config/skiff/config.json");
    await cli.output(["context", "add", "one", "127.0.0.1:1/"]);
    await cli.output(["context", "add", "two", "https://two.example.com"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(await cli.output(["context"]), /^\* +one +http:\/\/127\.0\.0\.1:1 +no$/m);
    await cli.output(["context", "use", "two"]);
    const { contexts } = await cli.json<{ contexts: { name: string; current: boolean }[] }>([
      "context",
      "list",
    ]);
    assert.deepEqual(
      contexts.map(({ name, current }) => [name, current]),
      [
        ["one", false],
        ["two", true],
      ],
    );
    assert.match(
      (await cli.run(["list", "--context", "one"])).stderr,
      /No Skiff answers at http:\/\/127\.0\.0\.1:1:/,
    );
    const unknown = await cli.run(["list", "--context", "three"]);
    assert.deepEqual(
      [unknown.code, unknown.stderr],
      [2, 'error: There is no context "three". Known: one, two.\n'],
    );
    await cli.output(["context", "remove", "two"]);
    assert.deepEqual(Object.keys(JSON.parse(readFileSync(path, "utf8")).contexts), ["one"]);
  });

  it("makes no files where it only reads", async () => {
    await cli.run(["list", "--url", "http://127.0.0.1:1"]);
    assert.equal(existsSync(join(cli.folder, ".config")), false);
  });
});
