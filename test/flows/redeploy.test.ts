import assert from "node:assert/strict";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const RUNS = 500;
const DEPLOYS = 10;
const ITERATIONS = 1_000;
const JSON_TYPE = { "content-type": "application/json" };

interface Run {
  readonly state: string;
  readonly output: unknown;
}

/** A flow of one text, whose runs wait between their calls until an event comes. */
const flowOf = (text: number) => `
steps:
  first: {fn: first}
  waits: {wait: {event: release, by: event.data.go, equals: "true"}, needs: [first]}
  second: {fn: second, needs: [waits]}
output:
  text: ${text}
  version: "\${ run.version }"
  first: "\${ steps.first.output }"
  second: "\${ steps.second.output }"
`;

describe("flows on one machine", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  const post = (path: string, body: unknown = {}) =>
    fetch(`${skiff.url}${path}`, {
      ...{ method: "POST", headers: JSON_TYPE, body: JSON.stringify(body) },
    });
  const put = async (path: string, body: string) => {
    const answer = await fetch(`${skiff.url}${path}`, { method: "PUT", body });
    assert.ok(answer.ok, await answer.text());
  };
  const deploy = async (name: string, source: string) =>
    assert.ok((await skiff.deploy(name, source)).status < 300, `deploy ${name}`);
  const metric = async (sample: string): Promise<number> => {
    const text = await (await fetch(`${skiff.url}/metrics`)).text();
    const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
    assert.ok(line !== undefined, `there is no ${sample}`);
    return Number(line.slice(sample.length + 1));
  };

  it("end each of 500 runs by the flow and the functions that it began with", async () => {
    await put("/topic/release", "{}");
    const began: { location: string; expected: unknown }[] = [];
    const beginMany = async (version: number) => {
      const answers = await Promise.all(Array.from({ length: RUNS / DEPLOYS }, () => post("/flow/it/run")));
      for (const { status, headers } of answers) {
        assert.equal(status, 202);
        const expected = { text: version, version, first: `first ${version}`, second: `second ${version}` };
        began.push({ location: headers.get("location")!, expected });
      }
    };
    for (let version = 1; version <= DEPLOYS; version++) {
      for (const name of ["first", "second"])
        await deploy(name, `export default () => Response.json("${name} ${version}");`);
      await put("/flow/it", flowOf(version));
      await beginMany(version);
    }
    const done = await fetch(`${skiff.url}/flow/it/run?state=done`);
    assert.deepEqual(((await done.json()) as { runs: unknown[] }).runs, []);
    assert.equal(began.length, RUNS);
    const published = await post("/topic/release", { go: true });
    assert.ok(published.ok, await published.text());

    for (const { location, expected } of began) {
      let run: Run | undefined;
      await eventually(
        `the run of ${JSON.stringify(expected)} has ended`,
        async () => {
          run = (await (await fetch(`${skiff.url}${location}`)).json()) as Run;
          return ["done", "failed", "cancelled"].includes(run.state);
        },
        30_000,
      );
      assert.deepEqual([run!.state, run!.output], ["done", expected], JSON.stringify(run).slice(0, 2_000));
    }
    assert.equal(await metric("skiff_flow_stuck_runs"), 0);
  });

  it("make 1,000 calls of 1,000 iterations, and of 1,000 items", async () => {
    // One instance, which has one call at a time here.
    await deploy("count", "let count = 0; export default () => Response.json({ count: ++count });");
    await put(
      "/flow/loops",
      `
steps:
  turns: {fn: count, while: "last == null || last.count < ${ITERATIONS}", max: ${ITERATIONS}}
  items: {fn: item, each: "input.items", with: "\${ item }"}
output: "\${ [steps.turns.output.count, sum(steps.items.output)] }"
`,
    );
    await deploy("item", "export default async (request) => Response.json(await request.json());");
    const items = Array.from({ length: ITERATIONS }, (_, index) => index);
    const answer = await post("/flow/loops/run?wait=60s", { items });
    const sum = (ITERATIONS * (ITERATIONS - 1)) / 2;
    assert.deepEqual([answer.status, await answer.json()], [200, [ITERATIONS, sum]]);
    for (const name of ["count", "item"]) {
      assert.equal(
        await metric(`skiff_calls_total{function="${name}",version="1",status="2xx"}`),
        ITERATIONS,
        name,
      );
    }
  });
});
