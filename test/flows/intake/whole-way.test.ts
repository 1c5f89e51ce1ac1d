import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are read here, member by member.
type Any = any;

const DOUBLE = `export default async (request) => {
  const { n } = await request.json();
  return n < 0 ? new Response("negative", { status: 422 }) : Response.json({ n: 2 * n });
};`;
const FLOW = `
on:
  http: {path: /double, respond: first, access: public}
  topic: numbers
  cron: {cron: "* * * * * *", input: {n: 100}}
input: {type: object, required: [n], properties: {n: {type: number}}}
steps:
  first: {fn: double}
  second: {fn: double, needs: [first]}
output: "\${ steps.second.output.n }"
`;

describe("a flow, from what begins it to its output", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    assert.equal((await skiff.deploy("double", DOUBLE)).status, 201);
    const put = await fetch(`${skiff.url}/flow/twice`, { method: "PUT", body: FLOW });
    assert.equal(put.status, 201, await put.text());
  });
  after(() => skiff.close());

  const post = (path: string, body: unknown, type = "application/json") =>
    fetch(`${skiff.url}${path}`, {
      ...{ method: "POST", headers: { "content-type": type } },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  const doneWith = (kind: string, by: string) =>
    eventually(`a run of a ${kind} is done`, async () => {
      const list: Any = await (await fetch(`${skiff.url}/flow/twice/run?state=done`)).json();
      return list.runs.some((run: Any) => run.trigger.kind === kind && run.by === by);
    });

  it("answers a request with the output of the run", async () => {
    const answer = await post("/flow/twice/run?wait=30s", { n: 3 });
    assert.deepEqual([answer.status, await answer.json()], [200, 12]);
  });

  it("answers 502 with the step that failed", async () => {
    const answer = await post("/flow/twice/run?wait=30s", { n: -1 });
    const { code, run }: Any = await answer.json();
    assert.deepEqual([answer.status, code, run.step, run.error.status], [502, "run_failed", "first", 422]);
  });

  it("answers a request of its HTTP trigger with the output of a step", async () => {
    const answer = await post("/flow/twice/http/double", { n: 5 });
    assert.deepEqual([answer.status, await answer.json()], [200, { n: 10 }]);
  });

  it("runs for an event that is published right after it was stored", async () => {
    assert.equal((await post("/topic/numbers", { n: 7 })).status, 202);
    await doneWith("topic", "subscription flow/twice/0");
  });

  it("runs at its times", () => doneWith("cron", "schedule flow/twice/0"));
});
