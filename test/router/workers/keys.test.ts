import assert from "node:assert/strict";
import { eventually } from "../../support/eventually.ts";
import { issuedKey } from "../../support/issued-key.ts";
import { send } from "../support/harness.ts";
import { WorkersHarness } from "./harness.ts";

describe("keys on routers in several processes", () => {
  let harness: WorkersHarness;
  before(async () => {
    harness = await WorkersHarness.start({ workers: 2 });
    await harness.serve((_, response) => response.end("hello"), { access: "key" });
  });
  after(() => harness.close());

  /** The statuses of calls on 20 connections, which both workers share. */
  async function statuses(authorization: string): Promise<number[]> {
    const calls = Array.from({ length: 20 }, () =>
      send(`${harness.url}/fn/echo`, { headers: { authorization } }),
    );
    return [...new Set((await Promise.all(calls)).map(({ status }) => status))];
  }
  const settles = (authorization: string, status: number) =>
    eventually(`every worker answers ${status}`, async () => {
      const seen = await statuses(authorization);
      return seen.length === 1 && seen[0] === status;
    });

  it("reach every worker, and so does their revocation, at once", async () => {
    const { id, authorization } = issuedKey(harness.keys);
    await settles(authorization, 200);
    harness.keys.set(id, undefined);
    const revokedMs = performance.now();
    await settles(authorization, 401);
    assert.ok(performance.now() - revokedMs < 10_000);
  });

  it("are there in workers that take the place of others", async () => {
    const { authorization } = issuedKey(harness.keys);
    const killed = harness.pids;
    for (const pid of killed) process.kill(pid, "SIGKILL");
    await eventually("they come back", () => {
      const { pids } = harness;
      return pids.length === 2 && pids.every((pid) => !killed.includes(pid));
    });
    const answers = new Set<number>();
    await eventually("they answer", async () => {
      for (const status of await statuses(authorization).catch(() => [])) answers.add(status);
      return answers.size > 0;
    });
    assert.deepEqual([...answers, ...(await statuses(authorization))], [200, 200]);
  });
});
