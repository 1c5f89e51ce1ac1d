import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CommandLine } from "../support/skiff/command-line.ts";

describe("the command skiff with files of flows", function () {
  this.timeout(60_000);
  let cli: CommandLine;
  beforeEach(() => {
    cli = new CommandLine();
  });
  afterEach(() => cli.close());

  const write = (name: string, text: string) => writeFileSync(join(cli.folder, name), text);

  it("tests a flow with mocks, and says what is wrong", async () => {
    write(
      "order.yaml",
      "steps: {check: {fn: check}, charge: {fn: charge, needs: [check]}, never: {fn: x, if: 'false'}}",
    );
    write(
      "order.test.yaml",
      `cases:
  - {name: good, mocks: {check: {output: 1}, charge: {output: 2}}, expect: {state: done, steps: {charge: {input: 1}}}}
  - {name: bad, mocks: {check: {error: {status: 404}}}, expect: {state: done}}
`,
    );
    const { code, stdout } = await cli.run(["flow", "test", "order.yaml"]);
    assert.equal(code, 3);
    assert.match(
      stdout,
      /^order\.test\.yaml\n {2}ok {2}good .*\n {2}FAILED {2}bad .*\n {6}The run is failed, not done \(client_error: The mock answered 404\.\)\./,
    );
    assert.match(stdout, /No case runs never\./);
    write("order.test.yaml", "cases: [{mocks: {chek: {output: 1}}, expect: {state: done}}]");
    const wrong = await cli.run(["flow", "test", "order.test.yaml"]);
    assert.equal(wrong.code, 2);
    assert.match(
      wrong.stderr,
      /order\.test\.yaml:1:18: The flow has no step `chek`\. Did you mean `check`\?/,
    );
  });

  it("converts a flow of Klusterfuck", async () => {
    const fn = { category: "fn", text: "Charge", functionId: "7" };
    const model = {
      nodes: [
        { id: "1", data: { category: "connector", text: "HTTP" } },
        { id: "2", data: fn },
      ],
    };
    write("flow.json", JSON.stringify({ ...model, links: [{ from: "1", to: "2" }] }));
    const text = await cli.output([
      "flow",
      "convert",
      "flow.json",
      "--name",
      "pay",
      "--function",
      "7=charge-card",
    ]);
    assert.match(
      text,
      /^# Converted[\s\S]*\nflow: pay\non:\n {2}http:\n {4}access: public\nsteps:\n {2}charge: \{fn: charge-card\}\n$/,
    );
    write("pay.yaml", text);
    await cli.output(["flow", "validate", "pay.yaml"]);
    const guessed = await cli.run(["flow", "convert", "flow.json"]);
    assert.match(guessed.stderr, /Step `charge` calls function `charge`: that name was taken for function 7/);
    write("flow.json", "{}");
    const wrong = await cli.run(["flow", "convert", "flow.json"]);
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /flow\.json cannot be converted: `nodes` is not a list/);
    assert.match(
      (await cli.run(["flow", "convert", "flow.json", "--function", "7"])).stderr,
      /is not ID=NAME/,
    );
  });
});
