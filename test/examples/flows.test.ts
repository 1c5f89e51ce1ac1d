import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { apply, type Files } from "../manager/files/folders.ts";
import { eventually } from "../support/eventually.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const FOLDER = fileURLToPath(new URL("../../examples/flows/", import.meta.url));
const FILES: Files = Object.fromEntries(
  readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name))]),
);
const JSON_TYPE = { "content-type": "application/json" };

interface Run {
  readonly id: string;
  readonly state: string;
  readonly output?: unknown;
  readonly steps: Readonly<Record<string, { readonly state: string; readonly attempts: readonly unknown[] }>>;
}

async function post(url: string, body?: unknown): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    headers: JSON_TYPE,
    body: body === undefined ? null : JSON.stringify(body),
  });
}

async function runAt(url: string, location: string): Promise<Run> {
  const response = await fetch(new URL(location, url));
  const run = (await response.json()) as Run;
  assert.equal(response.status, 200, JSON.stringify(run));
  return run;
}

function stateOf({ steps }: Run, step: string): string | undefined {
  return steps[step]?.state;
}

async function endedRun(url: string, location: string): Promise<Run> {
  let run = await runAt(url, location);
  await eventually("the run has ended", async () => {
    run = await runAt(url, location);
    return ["done", "failed", "cancelled"].includes(run.state);
  });
  return run;
}

describe("the examples of flows", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    const answer = await apply(skiff.url, FILES);
    assert.equal(answer.status, 200, answer.text);
  });
  after(() => skiff.close());

  const order = (card: string, items = 2) =>
    post(`${skiff.url}/flow/order/http`, { id: `o-${card}`, items, card, mail: "ada@example.com" });
  const ended = (location: string) => endedRun(skiff.url, location);

  it("order charges and reserves, then sends a mail, and answers", async () => {
    const response = await order("4242");
    assert.deepEqual([response.status, await response.json()], [200, { order: "o-4242", items: 2 }]);
  });

  it("order tells of a card that is declined, and frees what was reserved", async () => {
    const response = await order("4000");
    assert.deepEqual([response.status, await response.json()], [200, { order: "o-4000", items: 2 }]);
    const { runs } = (await (await fetch(`${skiff.url}/flow/order/run?limit=1`)).json()) as { runs: Run[] };
    const run = await ended(`/flow/order/run/${runs[0]!.id}`);
    const states = Object.entries(run.steps).map(([name, { state }]) => `${name} ${state}`);
    assert.deepEqual(states, [
      "check done",
      "charge caught",
      "reserve done",
      "mailed skipped",
      "declined done",
      "answer done",
      "free done",
    ]);
    assert.deepEqual(run.output, { order: "o-4000", paid: false });
  });

  it("order fails at once where no retry helps, and says at which step", async () => {
    const response = await order("4242", 11);
    const problem = (await response.json()) as {
      code: string;
      run: { step: string; error: { type: string } };
    };
    assert.deepEqual([response.status, problem.code], [502, "run_failed"]);
    assert.deepEqual([problem.run.step, problem.run.error.type], ["check", "too_many_items"]);
  });

  it("nightly does 1,000 rows, and goes on beside the one that fails", async () => {
    const response = await post(`${skiff.url}/flow/nightly/run?wait=60s`);
    assert.deepEqual([response.status, await response.json()], [200, { rows: 1_000, failed: [13] }]);
  });

  it("vacation waits for a person, who says no", async () => {
    const begun = await post(`${skiff.url}/flow/vacation/run`, { who: "ada", days: 10 });
    assert.equal(begun.status, 202, await begun.clone().text());
    const location = begun.headers.get("location")!;
    await eventually("the run waits", async () => (await runAt(skiff.url, location)).state === "waiting");
    const approve = await post(`${skiff.url}${location}/approve?step=boss`, {
      approved: false,
      comment: "too long",
    });
    assert.ok(approve.ok, await approve.text());
    const run = await ended(location);
    assert.deepEqual([run.state, run.output, stateOf(run, "refused")], ["done", { granted: false }, "done"]);
  });

  it("webhook answers at once, and delivers to each with retries of its own", async () => {
    const response = await post(`${skiff.url}/flow/webhook/http`, {
      to: ["sales", "support", "nobody"],
      text: "hello",
    });
    assert.equal(response.status, 202, await response.clone().text());
    const { output } = await ended(response.headers.get("location")!);
    assert.deepEqual(output, [
      { to: "sales", text: "hello", attempt: 1 },
      { to: "support", text: "hello", attempt: 2 },
      { to: "nobody", failed: 'The function "deliver" answered 404: Nobody is there.' },
    ]);
  });

  it("are counted in the metrics", async () => {
    await order("4242");
    const text = await (await fetch(`${skiff.url}/metrics`)).text();
    const value = (series: string) =>
      Number(
        text
          .split("\n")
          .find((line) => line.startsWith(`${series} `))
          ?.split(" ")
          .at(-1),
      );
    assert.ok(value('skiff_flow_runs_ended_total{flow="order",state="done"}') >= 1);
    assert.ok(value("skiff_flow_attempts_total") >= 5);
    assert.ok(value("skiff_flow_step_overhead_seconds_count") >= 1);
    assert.equal(value("skiff_flow_stuck_runs"), 0);
  });
});

describe("a flow whose Skiff is killed in the middle", function () {
  this.timeout(120_000);
  let folder: string;
  let program: SkiffProgram;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-flows-"));
  });
  afterEach(async () => {
    await program.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("goes on where it was: what was done is not done again", async () => {
    // While the charge takes its time, the rest of the order ends.
    const slow = String(FILES["charge.ts"]).replace(
      "const { card, amount }",
      "await new Promise((resolve) => setTimeout(resolve, 1_000));\n  const { card, amount }",
    );
    program = new SkiffProgram(folder);
    const first = await program.url();
    const answer = await apply(first, { ...FILES, "charge.ts": slow });
    assert.equal(answer.status, 200, answer.text);
    const input = { id: "o-1", items: 2, card: "4242", mail: "ada@example.com" };
    const begun = await post(`${first}/flow/order/run`, input);
    const location = begun.headers.get("location")!;
    await eventually("the items are reserved, and the card is not charged", async () => {
      const run = await runAt(first, location);
      return stateOf(run, "reserve") === "done" && stateOf(run, "charge") === "running";
    });
    await program.close();

    program = new SkiffProgram(folder);
    const second = await program.url();
    const run = await endedRun(second, location);
    assert.deepEqual(run.output, { order: "o-1", paid: true });
    assert.equal(run.steps.reserve!.attempts.length, 1);
  });
});
