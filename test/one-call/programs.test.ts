import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { needsWall } from "../support/skiff/walls.ts";

const PROGRAM = `#!/bin/sh
case "$PATH_INFO" in
  /echo) cat ;;
  /endless) while echo tick; do sleep 0.05; done ;;
  /hang) setsid sleep 86500 & wait ;;
  /fail) echo no reason >&2; exit 7 ;;
  /late) echo begun; sleep 0.1; exit 8 ;;
esac
`;

describe("a program with an instance for each call", function () {
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async function () {
    needsWall(this, "bwrap");
    skiff = await startedSkiff();
    const { status, body } = await skiff.deploy(
      "once",
      PROGRAM,
      "runtime=program&isolation=call&timeout=2s&pool=2",
    );
    assert.equal(status, 201, JSON.stringify(body));
  });
  after(() => skiff?.close());

  /** Nothing is left of the calls: unused instances wait. */
  const isOver = () =>
    eventually(
      "the instance of the call is gone",
      async () => {
        const { instances } = (await (await fetch(`${skiff.url}/func/once`)).json()) as {
          instances: { state: string }[];
        };
        return instances.length > 0 && instances.every(({ state }) => state === "ready");
      },
      30_000,
    );

  it("gets bodies whole, and answers with them", async () => {
    const body = "x".repeat(1_000_000);
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const response = await fetch(`${skiff.url}/fn/once/echo`, { method: "POST", body });
        return (await response.text()) === body;
      }),
    );
    assert.deepEqual(answers, [true, true, true, true]);
    await isOver();
  });

  it("fails with its exit code, before its output and after it", async () => {
    const failed = await fetch(`${skiff.url}/fn/once/fail`);
    const { code, exitCode } = (await failed.json()) as { code: string; exitCode: number };
    assert.deepEqual([failed.status, code, exitCode], [500, "program_failed", 7]);
    const [late] = await once(request(`${skiff.url}/fn/once/late`).end(), "response");
    for await (const _ of late);
    assert.equal(late.trailers["skiff-exit-code"], "8");
    await isOver();
  });

  it("ends at its time limit, and when its client leaves", async () => {
    const response = await fetch(`${skiff.url}/fn/once/hang`);
    assert.equal(response.status, 504);
    const [endless] = await once(request(`${skiff.url}/fn/once/endless`).end(), "response");
    await once(endless, "data");
    endless.destroy();
    await isOver();
  });
});
