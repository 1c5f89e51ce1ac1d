import assert from "node:assert/strict";
import http from "node:http";
import net from "node:net";
import type { Counted, CountedBatch, RouterReport } from "../../../platform/usage/exchange.ts";
import { VersionUsage } from "../../../router/metrics/stats.ts";
import { Gates } from "../../../router/quota/gates.ts";
import { UsageSheet } from "../../../router/usage/usage-sheet.ts";
import { Harness, raw, send, until } from "../support/harness.ts";

const ENDED = { key: "", isError: false, durationMs: 5, instanceMs: 4, bytesOut: 100 };
const ALONE = { routers: 1, allowances: {} };
const FAILURE = { callId: "c", function: "f", version: 1, instance: "i", status: 500, text: "GET / 500" };

describe("the usage sheet of a router", () => {
  let sheet: UsageSheet;
  let usage: VersionUsage;
  beforeEach(() => {
    sheet = new UsageSheet(new Gates(), () => 1_000);
    usage = new VersionUsage({ name: "f", version: 3, memoryMiB: 1_000, sheet });
  });

  const report = (seen = 0, stored = seen): RouterReport =>
    sheet.report({
      [sheet.source]: { seen, stored, ...ALONE },
      other: { seen: 99, stored: 99, ...ALONE },
    });
  const sequences = ({ batches }: RouterReport) => batches.map(({ sequence }) => sequence);

  it("sums by key, with GB-seconds of the version's memory", () => {
    usage.count(ENDED);
    usage.count({ ...ENDED, key: "k1", isError: true, durationMs: 70_000, instanceMs: 1_000 });
    usage.count({ ...ENDED, key: "k1" });
    const [{ counts, atMs }] = report().batches as [CountedBatch];
    const [{ durations, keys, ...counted }] = counts as [Counted];
    assert.equal(atMs, 1_000);
    assert.deepEqual(counted, { function: "f", version: 3, calls: 3, errors: 1 });
    assert.deepEqual([durations.length, durations.at(-1)], [74, 1]);
    assert.deepEqual(Object.keys(keys).sort(), ["", "k1"]);
    const { gbSeconds, ...k1 } = keys.k1!;
    assert.deepEqual(k1, { calls: 2, errors: 1, bytesOut: 200 });
    assert.ok(Math.abs(gbSeconds - 1.048576 * 1.004) < 1e-9, `${gbSeconds}`);
  });

  it("sends a batch until it was seen, and keeps it until it is stored", () => {
    usage.count(ENDED);
    assert.deepEqual(sequences(report()), [1]);
    assert.deepEqual(sequences(report()), [1], "the answer may have been lost");
    usage.count(ENDED);
    assert.deepEqual(sequences(report(1, 0)), [2]);
    assert.deepEqual(sequences(report(2, 0)), []);
    assert.deepEqual(sequences(report(0, 0)), [1, 2], "another collector has seen nothing");
    assert.deepEqual(sequences(report(2, 2)), []);
    assert.deepEqual(sequences(report(0, 0)), []);
    assert.deepEqual(sequences(sheet.report({})), []);
  });

  it("goes on counting when nothing is stored, in few batches", () => {
    for (let i = 0; i < 1_000; i++) {
      usage.count(ENDED);
      report(1_000, 0);
    }
    const held = report(0, 0).batches;
    assert.equal(held.length, 256);
    report(256, 256);
    const all = [...held, ...report(256, 256).batches];
    const calls = all.flatMap(({ counts }) => counts).reduce((sum, each) => sum + each.calls, 0);
    assert.equal(calls, 1_000);
  });

  it("counts cold starts with their steps, and refusals, also without a call", () => {
    usage.countColdStart();
    usage.countWake([
      { name: "load", atMs: 30 },
      { name: "claim", atMs: 10 },
    ]);
    usage.countRefused();
    const [first] = report().batches as [CountedBatch];
    const { calls, coldStarts, wakeMs, refused } = first.counts[0]!;
    assert.deepEqual([calls, coldStarts, wakeMs, refused], [0, 1, { claim: 10, load: 20 }, 1]);
    usage.count(ENDED);
    const [, second] = report(0).batches;
    assert.deepEqual(Object.keys(second!.counts[0]!).sort(), [
      ...["calls", "durations", "errors", "function", "keys", "version"],
    ]);
  });

  it("passes on where the time of some calls went, until that is stored", () => {
    const call = { ...FAILURE, durationMs: 5, waitedMs: 2, wake: [] };
    for (let i = 0; i < 30; i++) {
      usage.count(ENDED);
      sheet.trace(call);
    }
    const [batch] = report().batches as [CountedBatch];
    assert.deepEqual([batch.traced!.length, batch.traced![0]], [25, { ...call, atMs: 1_000 }]);
    report(1, 0);
    assert.equal(report(0, 0).batches[0]!.traced!.length, 25, "another collector stores it");
  });

  it("passes each failure on once, and counts those that were too many", () => {
    for (let i = 0; i < 5_010; i++) sheet.fail(FAILURE);
    const [batch] = report().batches as [CountedBatch];
    assert.deepEqual([batch.failures.length, batch.failuresLost], [5_000, 10]);
    assert.deepEqual(batch.failures[0], { ...FAILURE, atMs: 1_000 });
    report(1, 0);
    assert.deepEqual(report(0, 0).batches[0]!.failures, []);
  });
});

describe("router: usage", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.start();
  });
  afterEach(() => harness.close());

  /** Everything that was counted until now, as one. */
  function counted() {
    const { batches } = harness.router.functions.sheet.report({});
    const counts = batches.flatMap(({ counts }) => counts);
    const uses = counts.flatMap(({ keys }) => Object.values(keys));
    const sum = (name: "calls" | "errors" | "gbSeconds" | "bytesOut") =>
      uses.reduce((total, use) => total + use[name], 0);
    const failures = batches.flatMap((batch) => batch.failures);
    return { ...{ calls: sum("calls"), errors: sum("errors") }, sum, failures };
  }

  it("counts calls, their time on an instance, and the bytes that their clients get", async () => {
    await harness.serve((_, response) => void setTimeout(() => response.end("x".repeat(5_000)), 50));
    const request = "GET /fn/echo/a HTTP/1.1\r\nHost: h\r\n\r\n";
    const ended = (answer: string) => answer.endsWith("xxx\r\n0\r\n\r\n") || answer.endsWith("xxx");
    let bytes = 0;
    for (let i = 0; i < 3; i++) bytes += (await raw(harness.port, request, ended)).length;
    await until(() => counted().calls === 3, "all calls counted");
    const { errors, sum } = counted();
    assert.equal(errors, 0);
    assert.equal(sum("bytesOut"), bytes);
    const memory = harness.platform.endpoints("echo")!.versions[0]!.memoryMiB;
    const seconds = sum("gbSeconds") / ((memory * 2 ** 20) / 1e9);
    assert.ok(seconds > 0.14 && seconds < 1, `${seconds}`);
  });

  it("counts bytes of the same answer equally on both servers", async () => {
    await harness.serve((_, response) => void response.end("x".repeat(100_000)));
    const sizes: number[] = [];
    for (const version of ["1.1", "1.0"]) {
      const before = counted().sum("bytesOut");
      const text = `GET /fn/echo HTTP/${version}\r\nHost: h\r\nConnection: close\r\n\r\n`;
      const answer = await raw(harness.port, text);
      await until(() => counted().sum("bytesOut") - before === answer.length, `bytes of HTTP/${version}`);
      sizes.push(answer.length);
    }
    assert.ok(sizes.every((size) => size > 100_000));
  });

  it("has a line for each call that failed, without the query", async () => {
    await harness.serve((request, response) => {
      if (request.url?.startsWith("/cut")) {
        response.write("some");
        setTimeout(() => response.destroy(), 20);
      } else response.writeHead(request.url?.startsWith("/500") ? 500 : 404).end();
    });
    const answer = await send(`${harness.url}/fn/echo/500?token=secret`);
    await send(`${harness.url}/fn/echo/404`);
    await assert.rejects(send(`${harness.url}/fn/echo/cut`));
    await until(() => counted().calls === 3, "all calls counted");
    const { errors, failures } = counted();
    assert.equal(errors, 2);
    assert.deepEqual(
      failures.map(({ status }) => status),
      [500, 502],
    );
    assert.match(failures[0]!.text, /^GET \/fn\/echo\/500 500 in \d+(\.\d)? ms$/);
    assert.match(failures[1]!.text, /^GET \/fn\/echo\/cut broken off with 502 in .* ms \(instance_failed\)$/);
    assert.equal(failures[0]!.callId, answer.headers["x-skiff-call-id"]);
    assert.ok(failures.every(({ instance }) => instance !== ""));
  });

  it("counts a WebSocket when it ends, with everything that was sent", async () => {
    const server = http.createServer();
    server.on("upgrade", (_, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
      // Not together with the head.
      setTimeout(() => socket.write("x".repeat(5_000)), 50);
      socket.on("end", () => socket.end());
    });
    await harness.publish("echo", [await harness.listen(server)]);
    const head = "GET /fn/echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    const fields = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const answer = await raw(harness.port, head + fields, (text) => text.endsWith("x".repeat(5_000)));
    await until(() => counted().calls === 1, "the WebSocket counted");
    const { errors, sum } = counted();
    assert.equal(errors, 0);
    assert.ok(sum("bytesOut") >= answer.length, `${sum("bytesOut")} of ${answer.length}`);
  });

  it("counts no error when the client leaves, and no call that was refused unread", async () => {
    await harness.serve(() => {});
    const socket = net.connect(harness.port, "127.0.0.1");
    socket.write("GET /fn/echo HTTP/1.1\r\nHost: h\r\n\r\n");
    await until(() => [...harness.router.stats()].some(({ inFlight }) => inFlight === 1), "the call runs");
    socket.destroy();
    await send(`${harness.url}/fn/none`);
    await until(() => counted().calls === 1, "the call counted");
    assert.equal(counted().errors, 0);
  });
});
