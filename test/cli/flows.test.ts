import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { CommandInProcess } from "../support/skiff/command-in-process.ts";
import { CommandLine } from "../support/skiff/command-line.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const ECHO = `export default async (request) => {
  const input = await request.json();
  console.log("got", JSON.stringify(input));
  return Response.json({ ...input, n: input.n + 1 }, { status: input.n > 90 ? 422 : 200 });
};\n`;
const FLOW = `# Adds one, twice.
steps:
  one: { fn: echo }
  asked: { approve: "Go on with \${ string(steps.one.output.n) }?", needs: [one], if: input.n > 10 }
  two: { fn: echo, needs: [one, asked], with: "\${ steps.one.output }" }
`;
const TESTS = `cases:
  - name: small
    input: { n: 1 }
    mocks: { one: { output: { n: 2 } }, two: { output: { n: 3 } } }
    expect: { output: { n: 3 }, steps: { asked: skipped } }
`;

describe("skiff flow", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  let cli: CommandInProcess;
  let processes: CommandLine;
  const write = (name: string, text: string) => writeFileSync(join(processes.folder, name), text);
  before(async () => {
    skiff = await startedSkiff();
    processes = new CommandLine({ SKIFF_URL: skiff.url });
    cli = new CommandInProcess(processes.folder, { SKIFF_URL: skiff.url });
    await skiff.deploy("echo", ECHO);
    write("plus.yaml", FLOW);
    write("plus.test.yaml", TESTS);
    assert.match(
      await cli.output(["flow", "deploy", "plus.yaml"]),
      /^The flow plus is created, version 1\.$/m,
    );
  });
  after(async () => {
    await processes.close();
    await skiff.close();
  });

  it("checks a file without a Skiff, and shows the line of each fault", async () => {
    const offline = new CommandInProcess(processes.folder, { SKIFF_URL: "http://127.0.0.1:1" });
    assert.equal(
      await offline.output(["flow", "validate", "plus.yaml"]),
      "plus.yaml: the flow plus is valid.\n",
    );
    write("bad.yaml", "steps:\n  one: { fn: echo, neds: [x] }\n  two: { fn: echo, needs: [three] }\n");
    const { code, stdout } = await offline.run(["flow", "validate", "bad.yaml"]);
    assert.equal(code, 3);
    assert.match(stdout, /^bad\.yaml:2:\d+: .*neds.*needs/m);
    assert.match(stdout, /^bad\.yaml:3:\d+: .*three/m);
    const refused = await offline.run(["flow", "deploy", "bad.yaml"]);
    assert.deepEqual([refused.code, /^bad\.yaml:2:/m.test(refused.stderr)], [2, true]);
  });

  it("tests a file with mocked functions, without a Skiff", async () => {
    const offline = new CommandInProcess(processes.folder, { SKIFF_URL: "http://127.0.0.1:1" });
    assert.match(await offline.output(["flow", "test", "plus.yaml"]), /^ {2}ok {2}small/m);
    write("wrong.yaml", FLOW);
    write("wrong.test.yaml", TESTS.replace("{ output: { n: 3 }, ", "{ output: { n: 4 }, "));
    const { code, stdout, stderr } = await offline.run(["flow", "test", "wrong.test.yaml"]);
    assert.equal(code, 3);
    assert.match(stdout, /FAILED {2}small.*\n {6}output\.n is 3, not 4\./);
    assert.match(stderr, /^1 case failed\.$/m);
    assert.equal((await offline.run(["flow", "test", "bad.yaml"])).code, 2);
  });

  it("draws a file, and a run of a flow", async () => {
    assert.match(await cli.output(["flow", "graph", "plus.yaml"]), /^flowchart TD\n {2}s_one\["one/);
    assert.match(await cli.output(["flow", "graph", "plus.yaml", "--format", "svg"]), /^<svg /);
    const run = (
      await cli.output(["flow", "run", "plus", "-d", '{"n": 3}', "--idempotency-key", "drawn"])
    ).trim();
    await eventually("the run is done", async () =>
      /^state: +done$/m.test(await cli.output(["flow", "show", "plus", run])),
    );
    assert.match(await cli.output(["flow", "graph", "plus", "--run", run]), /:::done/);
    const again = await cli.output(["flow", "run", "plus", "-d", '{"n": 3}', "--idempotency-key", "drawn"]);
    assert.equal(again.trim(), run);
  });

  it("shows the next time and the lag of triggers", async () => {
    const on = '{ topic: inbox, cron: { cron: "0 3 1 1 *", timeZone: UTC } }';
    write("inbox.yaml", `on: ${on}\nsteps: { one: { fn: echo, with: { n: 1 } } }\n`);
    await cli.output(["flow", "deploy", "inbox.yaml"]);
    const shown = await cli.output(["flow", "show", "inbox"]);
    assert.match(shown, /^next: +20\d\d-01-01T03:00:00\.000Z$/m);
    assert.match(shown, /^lag: +inbox 0$/m);
  });

  it("runs a flow, waits for it, and shows what happened", async () => {
    assert.deepEqual(JSON.parse(await cli.output(["flow", "run", "plus", "-d", '{"n": 1}', "--wait"])), {
      n: 3,
    });
    const failed = await cli.run(["flow", "run", "plus", "-d", '{"n": 91}', "--wait"]);
    assert.equal(failed.code, 6);
    assert.match(failed.stderr, /one/);
    const list = await cli.output(["flow", "runs", "plus", "--state", "failed"]);
    const [, id] = /^([0-9a-f]{32}) +failed +one /m.exec(list)!;
    assert.match(await cli.output(["flow", "show", "plus", id!]), /^one +failed +1 /m);
    assert.match(await cli.output(["flow", "logs", "plus", id!]), /got \{"n":91\}/);
    assert.match(await cli.output(["flow"]), /^plus +1 +- +\d+ +\d+ +1 /m);
  });

  it("approves, rejects, cancels and retries", async () => {
    const begin = async () => {
      const run = (await cli.output(["flow", "run", "plus", "-d", '{"n": 20}'])).trim();
      await eventually("the run waits", async () =>
        /^state: +waiting/m.test(await cli.output(["flow", "show", "plus", run])),
      );
      return run;
    };
    const ended = (run: string, state: string) =>
      eventually(`the run is ${state}`, async () =>
        new RegExp(`^state: +${state}`, "m").test(await cli.output(["flow", "show", "plus", run])),
      );
    const first = await begin();
    assert.equal(await cli.output(["flow", "approve", "plus", first, "asked"]), "asked is approved.\n");
    await ended(first, "done");
    const second = await begin();
    await cli.output(["flow", "reject", "plus", second, "asked", "--comment", "too much"]);
    await ended(second, "failed");
    assert.match(await cli.output(["flow", "show", "plus", second]), /rejected: .*too much/);
    await cli.output(["flow", "retry", "plus", second]);
    await eventually("it waits again", async () =>
      /^state: +waiting/m.test(await cli.output(["flow", "show", "plus", second])),
    );
    await cli.output(["flow", "cancel", "plus", second, "--reason", "enough"]);
    await ended(second, "cancelled");
  });

  it("has versions", async () => {
    write("plus.yaml", FLOW.replace("Adds one, twice.", "Adds two."));
    assert.match(await cli.output(["flow", "deploy", "plus.yaml", "--message", "Say it shorter"]), /changed/);
    write("plus.yaml", FLOW.replace("n > 10", "n > 20"));
    await cli.output(["flow", "deploy", "plus.yaml", "--message", "Ask later"]);
    assert.match(await cli.output(["flow", "versions", "plus"]), /^\d current .*Ask later$/m);
    assert.match(await cli.output(["flow", "diff", "plus"]), /^-.*n > 10/m);
    await cli.output(["flow", "rollback", "plus"]);
    assert.match(await cli.output(["flow", "source", "plus"]), /n > 10/);
  });

  it("converts flows of Klusterfuck", async () => {
    const node = (id: string, category: string, text: string) => ({
      id,
      data: { category, text, functionId: id, connectorId: id },
    });
    const model = {
      nodes: [node("1", "connector", "HTTP"), node("2", "fn", "Check"), node("3", "fn", "Mail")],
      links: [
        { from: "1", to: "2" },
        { from: "2", to: "3" },
      ],
    };
    write("old.json", JSON.stringify(model));
    const text = await cli.output(["flow", "convert", "old.json", "--name", "order"]);
    write("order.yaml", text);
    assert.equal(
      await cli.output(["flow", "validate", "order.yaml"]),
      "order.yaml: the flow order is valid.\n",
    );
    write("old.json", "no");
    assert.equal((await cli.run(["flow", "convert", "old.json"])).code, 2);
  });
});
