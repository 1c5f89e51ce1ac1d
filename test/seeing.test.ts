import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EVENT_FAMILIES } from "../metrics/event-families.ts";
import { FLOW_FAMILIES } from "../metrics/flow-families.ts";
import { PUSH_FAMILIES } from "../metrics/git-families.ts";
import { FAMILIES } from "../router/metrics/metrics.ts";
import { eventually } from "./support/eventually.ts";
import { SkiffProgram } from "./support/skiff/skiff-program.ts";
import { type StartedSkiff, startedSkiff } from "./support/skiff/started-skiff.ts";

describe("what is seen of calls on one machine", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  const metrics = async () => (await (await fetch(`${skiff.url}/metrics`)).text()).split("\n");
  const call = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${skiff.url}${path}`, { headers });
    return { text: await response.text(), headers: response.headers };
  };

  it("is every family of metrics, with the labels that it has", async () => {
    await skiff.deploy("seen", `export default () => "hi";`);
    await call("/fn/seen");
    await call("/fn/not-there");
    const lines = await metrics();
    for (const { name, type, labels } of [
      ...FAMILIES,
      ...EVENT_FAMILIES,
      ...FLOW_FAMILIES,
      ...PUSH_FAMILIES,
    ]) {
      assert.ok(lines.includes(`# TYPE ${name} ${type}`), name);
      const shown = lines.filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line));
      for (const line of shown) {
        const keys = [...line.matchAll(/[{,](\w+)="/g)].map(([, key]) => key!).filter((key) => key !== "le");
        // The label `worker` is of other processes, and here is one.
        const expected = labels.filter((label) => label !== "worker");
        assert.deepEqual(keys.toSorted(), expected.toSorted(), line);
      }
    }
    assert.ok(lines.includes('skiff_requests_refused_total{code="unknown_function"} 1'));
    assert.ok(!lines.some((line) => line.includes("not-there")));
  });

  it("is the time that a call waited for its function to start, in its answer and in the metrics", async () => {
    await skiff.deploy("sleepy", `export default () => "awake";`, "idle=100ms");
    const isAsleep = async () => {
      const described = await (await fetch(`${skiff.url}/func/sleepy`)).json();
      return (described as { instances: unknown[] }).instances.length === 0;
    };
    await eventually("it is at zero", isAsleep);
    const { headers } = await call("/fn/sleepy");
    assert.match(headers.get("server-timing")!, /^start;dur=\d+\.\d, first-byte;dur=\d+\.\d$/);
    await eventually("the step is counted", async () =>
      (await metrics()).some((line) =>
        /^skiff_wake_step_seconds_total\{function="sleepy",step="start"\} \d+\.\d+$/.test(line),
      ),
    );
  });

  it("is no more than the three newest versions of a function, and nothing of one that is removed", async () => {
    for (let version = 1; version <= 5; version++) {
      await skiff.deploy("many", `export default () => "${version}";`);
      assert.equal((await call("/fn/many")).text, String(version));
    }
    const versions = async () =>
      (await metrics()).flatMap(
        (line) => /^skiff_calls_total\{function="many",version="(\w+)"/.exec(line)?.[1] ?? [],
      );
    await eventually("all are counted", async () => (await versions()).join() === "3,4,5");
    await fetch(`${skiff.url}/func/many`, { method: "DELETE" });
    assert.ok(!(await metrics()).some((line) => line.includes('"many"')));
  });

  it("is the trace of a call, which its function sees", async () => {
    await skiff.deploy("traced", `export default (request) => request.headers.get("traceparent");`);
    const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert.equal((await call("/fn/traced", { traceparent: given })).text, given);
    assert.match((await call("/fn/traced")).text, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });
});

describe("the access log of one machine", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-access-log-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("is a file, whole when Skiff has closed", async () => {
    const file = join(folder, "access.log");
    const skiff = await startedSkiff({ env: { SKIFF_ACCESS_LOG: file } });
    try {
      await skiff.deploy("logged", `export default () => "hi";`);
      await (await fetch(`${skiff.url}/fn/logged`)).text();
    } finally {
      await skiff.close();
    }
    const line = JSON.parse(readFileSync(file, "utf8"));
    assert.deepEqual([line.function, line.version, line.status, line.path], ["logged", 1, 200, "/fn/logged"]);
  });

  it("is the standard output beside the lines for people", async () => {
    const program = new SkiffProgram(join(folder, "data"), { env: { SKIFF_ACCESS_LOG: "stdout" } });
    try {
      await fetch(`${await program.url()}/fn/nothing`);
      program.signal("SIGTERM");
      assert.equal(await program.ended(), 0);
      const lines = program.output.split("\n").filter((line) => line.startsWith("{"));
      assert.deepEqual(
        lines.map((line) => JSON.parse(line).code),
        ["unknown_function"],
      );
    } finally {
      await program.close();
    }
  });
});
