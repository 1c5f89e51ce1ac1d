import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { needsWall } from "../support/skiff/walls.ts";

describe("/exec on one machine", () => {
  let skiff: StartedSkiff;
  const path = (script: string) =>
    `/exec?${new URLSearchParams([["image", "host"], ...["sh", "-c", script].map((arg) => ["arg", arg])])}`;

  for (const workers of [1, 2]) {
    describe(`with ${workers} workers`, () => {
      before(async function () {
        needsWall(this, "bwrap");
        this.timeout(60_000);
        skiff = await startedSkiff({ workers });
      });
      after(() => skiff?.close());

      it("sends output and input while a command of this machine runs, and its exit code at the end", async () => {
        const outgoing = request(`${skiff.url}${path("echo $NAME; cat; exit 3")}`, {
          ...{ method: "POST", headers: { "x-skiff-env-name": "a b" } },
        });
        outgoing.flushHeaders();
        const [response] = (await once(outgoing, "response")) as [IncomingMessage];
        response.setEncoding("utf8");
        assert.deepEqual(await once(response, "data"), ["a b\n"]);
        outgoing.write("more\n");
        assert.deepEqual(await once(response, "data"), ["more\n"]);
        outgoing.end();
        assert.equal(await text(response), "");
        assert.equal(response.trailers["skiff-exit-code"], "3");
        assert.match(response.trailers["skiff-duration-ms"]!, /^\d+$/);
      });

      it("answers lines of JSON as they come, each with its stream, and the end in the last one", async () => {
        const headers = { accept: "application/x-ndjson" };
        const script = "echo one; echo two >&2; cat; exit 4";
        const outgoing = request(`${skiff.url}${path(script)}`, { method: "POST", headers });
        outgoing.flushHeaders();
        const [response] = (await once(outgoing, "response")) as [IncomingMessage];
        const lines = createInterface(response)[Symbol.asyncIterator]();
        const read = async () => JSON.parse(String((await lines.next()).value)) as Record<string, unknown>;
        // The two streams are apart, so either may come first.
        assert.deepEqual({ ...(await read()), ...(await read()) }, { output: "one\n", errors: "two\n" });
        outgoing.end("é");
        assert.deepEqual(await read(), { output: "é" });
        const { durationMs, ...end } = await read();
        assert.deepEqual([end, typeof durationMs], [{ exitCode: 4 }, "number"]);
      });

      it("says in the last line why a command was ended", async () => {
        const headers = { accept: "application/x-ndjson" };
        const answer = await fetch(`${skiff.url}${path("sleep 60")}&timeout=300ms`, { headers });
        const { error, detail } = (await answer.json()) as { error: string; detail: string };
        assert.equal(error, "timeout");
        assert.match(detail, /timeout=/);
      });

      it("ends it at its time limit", async () => {
        const startedAtMs = performance.now();
        const answer = await fetch(`${skiff.url}${path("trap '' TERM; sleep 60 & wait")}&timeout=300ms`);
        const { code } = (await answer.json()) as { code: string };
        assert.deepEqual([answer.status, code], [504, "command_timeout"]);
        assert.ok(performance.now() - startedAtMs < 30_000);
      });
    });
  }
});
