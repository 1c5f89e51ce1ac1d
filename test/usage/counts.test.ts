import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const SOURCE = `export default (request) => {
  if (new URL(request.url).pathname === "/fail") throw new Error("no");
  return new Response("x".repeat(1000));
};`;

interface Usage {
  readonly usage: readonly { function: string; version?: number; calls: number; errors: number }[];
  readonly total: { calls: number; errors: number; gbSeconds: number; bytesOut: number };
}

describe("usage on one machine", () => {
  for (const workers of [1, 2]) {
    it(`is exact with ${workers} router processes, and across a restart`, async () => {
      const dataFolder = mkdtempSync(join(tmpdir(), "skiff-usage-"));
      let skiff: StartedSkiff | undefined;
      const usage = async (query = "") =>
        (await (await fetch(`${skiff!.url}/usage?${query}`)).json()) as Usage;
      const call = async (path: string, times: number) => {
        for (let i = 0; i < times; i++) {
          // A connection of its own reaches any of the processes.
          const response = await fetch(`${skiff!.url}/fn/${path}`, { headers: { connection: "close" } });
          await response.arrayBuffer();
        }
      };
      try {
        skiff = await startedSkiff({ dataFolder, workers });
        assert.equal((await skiff.deploy("hello", SOURCE)).status, 201);
        await call("hello", 30);
        await call("hello/fail", 3);
        await eventually(
          "usage is stored within some seconds",
          async () => (await usage()).total.calls === 33,
        );
        await call("hello", 7);
        // Closing stores what was counted until then.
        await skiff.close();

        skiff = await startedSkiff({ dataFolder, workers });
        const { usage: rows, total } = await usage("by=function,version");
        assert.deepEqual(
          rows.map(({ function: name, version, calls, errors }) => [name, version, calls, errors]),
          [["hello", 1, 40, 3]],
        );
        assert.ok(total.bytesOut > 37_000 && total.bytesOut < 60_000, `${total.bytesOut}`);
        assert.ok(total.gbSeconds > 0 && total.gbSeconds < 10, `${total.gbSeconds}`);
        await call("hello", 1);
        await eventually("more is added", async () => (await usage()).total.calls === 41);
      } finally {
        await skiff?.close();
        rmSync(dataFolder, { recursive: true, force: true });
      }
    });
  }
});
