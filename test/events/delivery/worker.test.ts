import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { AttemptEnd, Effects } from "../../../events/services.ts";
import { DEFAULT_RETRY } from "../../../platform/events/retry-policy.ts";
import type { Answer } from "../../../store/call.ts";
import { newCallId } from "../../../store/call-id.ts";
import { eventually } from "../../support/eventually.ts";
import { newCall } from "../support/leased-call.ts";
import { RIG_KEY, type RigOptions, refuse, WorkerRig } from "../support/worker-rig.ts";

/** For calls that were accepted in 1970. */
const LONG = { ...DEFAULT_RETRY, maxAgeMs: Number.MAX_SAFE_INTEGER };
const FAST = { ...DEFAULT_RETRY, backoffMs: 20 };
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("a worker of events", () => {
  let rig: WorkerRig;
  const started = async (options: RigOptions = {}) => {
    rig = new WorkerRig(options);
    await rig.listen();
    return rig.start();
  };
  afterEach(() => rig.close());

  const textOf = (answer: Answer | undefined) => {
    assert.ok(answer && "inline" in answer.body);
    return Buffer.from(answer.body.inline).toString();
  };

  it("sends the request as it was, with the call and the attempt", async () => {
    await started();
    const headers = [
      "Host",
      "img.example.com",
      "X-Job",
      "a",
      "x-job",
      "b",
      "connection",
      "close",
      "traceparent",
      "x",
    ];
    const body = { inline: Buffer.from("pixels") };
    const request = {
      method: "PUT",
      path: "/large?q=%C3%A9",
      headers: [...headers, "skiff-call", "forged"],
      body,
    };
    const target = { function: "resize", version: 3 };
    const [id] = await rig.enqueue({ queue: "fn/resize", target, request, traceparent: TRACE });
    const record = await rig.record(id!, "done");
    const [{ headers: got, ...rest }] = rig.received as [(typeof rig.received)[0]];
    assert.deepEqual(rest, {
      method: "PUT",
      url: "/fn/resize@3/large?q=%C3%A9",
      body: Buffer.from("pixels"),
    });
    assert.deepEqual(
      [got.host, got["x-job"], got["skiff-call"], got["skiff-attempt"], got["idempotency-key"]],
      ["img.example.com", "a, b", id, "1", id],
    );
    assert.deepEqual([got.traceparent, got["content-length"], got["x-skiff-key"]], [TRACE, "6", RIG_KEY]);
    assert.equal(textOf(record.answer), "done");
    assert.equal(record.answer!.status, 200);
    assert.deepEqual(
      record.attempts.map(({ number, status, error }) => [number, status, error]),
      [[1, 200, undefined]],
    );
  });

  it("begins a run of a flow with the key of Skiff, and one run whatever is repeated", async () => {
    await started();
    rig.answer = (_, response) => {
      if (rig.received.length === 1) response.socket!.destroy();
      else response.writeHead(202).end("{}");
    };
    const headers = ["content-type", "application/json"];
    const request = { method: "POST", path: "/", headers, body: { inline: Buffer.from('{"id":1}') } };
    const [id] = await rig.enqueue({
      ...{ queue: "flow/order", target: { flow: "order" } },
      ...{ request, policy: FAST, acceptedAt: Date.now() },
    });
    await rig.record(id!, "done");
    const [first, second] = rig.received;
    for (const each of [first!, second!]) {
      assert.deepEqual(
        [each.method, each.url, each.body.toString()],
        ["POST", "/flow/order/run", '{"id":1}'],
      );
      const { "content-type": type, "idempotency-key": key, "x-skiff-key": internal } = each.headers;
      assert.deepEqual([type, key, internal], ["application/json", id, RIG_KEY]);
    }
  });

  it("reaches no other function by a name or a path that is not one", async () => {
    await started();
    const requestOf = (path: string) => ({
      method: "GET",
      path,
      headers: [],
      body: { inline: new Uint8Array() },
    });
    for (const [name, path] of [
      ["a", "dmin"],
      ["a", "/../admin"],
      ["admin?x", "/"],
      ["b/../admin", "//c"],
    ] as const) {
      const [id] = await rig.enqueue({ target: { function: name }, request: requestOf(path) });
      await rig.record(id!, "done");
    }
    assert.deepEqual(
      rig.received.map(({ url }) => url),
      [...["/fn/a/dmin", "/fn/a/../admin", "/fn/admin%3Fx/", "/fn/b%2F..%2Fadmin//c"]],
    );
  });

  it("tries again what failed, and keeps what each attempt ended with", async () => {
    await started();
    rig.answer = (_, response) => {
      const status = [503, 429, 200][rig.received.length - 1]!;
      response
        .writeHead(status, { "x-skiff-call-id": `c${rig.received.length}` })
        .end(`try ${rig.received.length}`);
    };
    const [id] = await rig.enqueue({ policy: FAST });
    const { attempts, answer } = await rig.record(id!, "done");
    assert.deepEqual(
      attempts.map(({ number, status, error, callId }) => [number, status, error, callId]),
      [
        [1, 503, "The answer was 503: try 1", "c1"],
        [2, 429, "The answer was 429: try 2", "c2"],
        [3, 200, undefined, "c3"],
      ],
    );
    assert.equal(textOf(answer), "try 3");
    assert.deepEqual(
      rig.received.map(({ headers }) => headers["skiff-attempt"]),
      ["1", "2", "3"],
    );
  });

  it("gives up after the last attempt, and at once what would fail again", async () => {
    await started();
    rig.answer = ({ url }, response) => void response.writeHead(url.includes("bad") ? 422 : 500).end("no");
    const bad = { method: "POST", path: "/bad", headers: [], body: { inline: new Uint8Array() } };
    const [often, once] = await rig.enqueue({ policy: { ...FAST, attempts: 2 } }, { request: bad });
    const dead = await rig.record(often!, "dead");
    assert.equal(dead.reason, "All 2 attempts failed. The last one: The answer was 500: no");
    assert.equal(textOf(dead.answer), "no");
    const { reason, attempts } = await rig.record(once!, "dead");
    assert.deepEqual([reason, attempts.length], ["The answer was 422: no", 1]);
  });

  it("counts no attempt while Skiff refuses a call, and goes on with other queues", async () => {
    await started();
    let isFull = true;
    rig.answer = ({ url }, response) => {
      if (isFull && url.startsWith("/fn/full")) refuse(response, 429, "too_many_waiting");
      else response.end();
    };
    const full = { queue: "fn/full", target: { function: "full" } };
    const ids = await rig.enqueue(...Array.from({ length: 5 }, () => full), {});
    await rig.record(ids[5]!, "done");
    await eventually("the queue was refused", () =>
      rig.received.some(({ url }) => url.startsWith("/fn/full")),
    );
    isFull = false;
    for (const id of ids.slice(0, 5)) {
      const { attempts } = await rig.record(id, "done");
      assert.deepEqual(
        attempts.map(({ number }) => number),
        [1],
      );
    }
  });

  it("waits for a router that is away without counting attempts", async () => {
    await started();
    await rig.stopListening();
    const [id] = await rig.enqueue({});
    await eventually(
      "it was tried",
      async () => (await rig.sqlite.calls.get(id!))!.dueAt > (await rig.sqlite.calls.get(id!))!.acceptedAt,
    );
    await rig.listen();
    assert.deepEqual(
      (await rig.record(id!, "done")).attempts.map(({ number }) => number),
      [1],
    );
  });

  it("sees the end of a pause that ends during a lease", async () => {
    await started();
    rig.answer = (_, response) =>
      rig.received.length === 1 ? refuse(response, 503, "no_capacity", 0) : response.end();
    // Longer than the first pause.
    rig.leaseMs = 400;
    const [id] = await rig.enqueue({});
    await rig.record(id!, "done");
  });

  it("runs a call once although its end cannot be stored for a while", async () => {
    await started();
    rig.away.add("settle");
    const ids = await rig.enqueue({}, {}, {});
    await eventually("all have run", () => rig.received.length === 3);
    await eventually("it was said", () =>
      rig.lines.some((line) => /calls ended, and the store is away/.test(line)),
    );
    rig.away.clear();
    for (const id of ids) assert.equal((await rig.record(id, "done")).attempts.length, 1);
    assert.equal(rig.received.length, 3);
  });

  it("goes on when a store that was away is back", async () => {
    await started();
    rig.away.add("lease");
    const [id] = await rig.enqueue({});
    await eventually("it was said", () =>
      rig.lines.some((line) => /calls that wait cannot be read/.test(line)),
    );
    rig.away.clear();
    await rig.record(id!, "done");
  });

  it("runs calls with the same key one after the other, in their order, with all their attempts", async () => {
    await started();
    const seen: string[] = [];
    let open = 0;
    rig.answer = ({ url, headers }, response) => {
      assert.equal(++open, 1);
      seen.push(`${url.at(-1)}.${headers["skiff-attempt"]}`);
      setTimeout(() => {
        open--;
        response.writeHead(headers["skiff-attempt"] === "1" ? 500 : 200).end();
      }, 5);
    };
    const requestOf = (path: string) => ({
      method: "GET",
      path,
      headers: [],
      body: { inline: new Uint8Array() },
    });
    const ids: string[] = [];
    for (const n of [1, 2, 3]) {
      ids.push(...(await rig.enqueue({ orderKey: "k", policy: FAST, request: requestOf(`/${n}`) })));
    }
    for (const id of ids) await rig.record(id, "done");
    assert.deepEqual(seen, ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
  });

  it("runs no more calls of a queue at a time than it may", async () => {
    const hooks = [{ limits: () => [["fn/few", 1] as const] }];
    await started({ limits: { eventCallsEach: 3 }, hooks });
    const open: ServerResponse[] = [];
    rig.answer = (_, response) => void open.push(response);
    const few = { queue: "fn/few", target: { function: "few" } };
    await rig.enqueue(few, few, few, {}, {}, {}, {}, {});
    const running = (name: string) => rig.received.filter(({ url }) => url.startsWith(`/fn/${name}`)).length;
    await eventually("there are calls", () => running("hello") === 3 && running("few") === 1);
    // Another lease must not change it.
    await rig.store.calls.settle([], Date.now());
    await rig.enqueue({});
    assert.deepEqual([running("hello"), running("few")], [3, 1]);
    rig.answer = (_, response) => void response.end();
    for (const response of open) response.end();
    await eventually("all have run", () => rig.received.length === 9);
  });

  it("leaves queues alone that rest", async () => {
    const resting = ["fn/hello"];
    await started({ hooks: [{ resting: () => resting }] });
    const [asleep, awake] = await rig.enqueue({}, { queue: "fn/other", target: { function: "other" } });
    await rig.record(awake!, "done");
    assert.equal((await rig.sqlite.calls.get(asleep!))!.state, "waiting");
    resting.pop();
    rig.changes.emit("calls");
    await rig.record(asleep!, "done");
  });

  it("starts a call when its time has come", async () => {
    await started();
    const now = Date.now();
    const [id] = await rig.enqueue({ dueAt: now + 300 });
    const { attempts } = await rig.record(id!, "done");
    const lateMs = attempts[0]!.startedAt - (now + 300);
    assert.ok(lateMs >= 0 && lateMs < 20_000, `${lateMs} ms`);
  });

  it("lets calls finish when it stops, and leaves the rest to the next one", async () => {
    const worker = await started({ limits: { eventCallsEach: 1 } });
    rig.answer = (_, response) => void setTimeout(() => response.end(), 100);
    const [first, second] = await rig.enqueue({}, {});
    await eventually("one runs", () => rig.received.length === 1);
    await worker.close({ drainMs: 5_000 });
    assert.equal((await rig.sqlite.calls.get(first!))!.state, "done");
    assert.equal((await rig.sqlite.calls.get(second!))!.state, "waiting");
    rig.start();
    assert.equal((await rig.record(second!, "done")).attempts.length, 1);
  });

  it("breaks off calls that run for too long when it stops; this counts as an attempt", async () => {
    const worker = await started();
    rig.answer = () => {};
    const [id] = await rig.enqueue({ policy: FAST });
    await eventually("it runs", () => rig.received.length === 1);
    await worker.close({ drainMs: 50 });
    rig.answer = (_, response) => void response.end();
    rig.start();
    const { attempts } = await rig.record(id!, "done");
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2],
    );
    assert.match(attempts[0]!.error!, /Skiff stopped during the attempt/);
  });

  it("counts the attempt of a call whose end it could not store before it stopped", async () => {
    const worker = await started();
    rig.away.add("settle");
    const [id] = await rig.enqueue({ policy: FAST });
    await eventually("it runs", () => rig.received.length === 1);
    await worker.close({ drainMs: 50 });
    rig.away.clear();
    rig.start();
    const { attempts } = await rig.record(id!, "done");
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2],
    );
    assert.equal(attempts[0]!.error, "What became of this attempt could not be stored.");
  });

  it("begins no call that it gets while it stops", async () => {
    const worker = await started();
    const hold = Promise.withResolvers<void>();
    rig.answer = (_, response) => void hold.promise.then(() => response.end());
    await rig.enqueue({});
    await eventually("one runs", () => rig.received.length === 1);
    rig.answerMs = 300;
    const [second] = await rig.enqueue({ queue: "fn/other" });
    const isLeased = async () => (await rig.sqlite.calls.get(second!))!.state === "running";
    await eventually("the next is leased", isLeased);
    const closed = worker.close({ drainMs: 5_000 });
    const isBack = async () => (await rig.sqlite.calls.get(second!))!.state === "waiting";
    await eventually("it waits again", isBack);
    hold.resolve();
    await closed;
    assert.equal(rig.received.length, 1);
  });

  it("takes over at once what a worker before it has left", async () => {
    await started();
    rig.answer = () => {};
    const [id] = await rig.enqueue({ policy: FAST });
    await eventually("it runs", () => rig.received.length === 1);
    rig.answer = (_, response) => void response.end();
    // The first one still hangs, as if it were killed.
    rig.start();
    const { attempts } = await rig.record(id!, "done");
    assert.deepEqual(
      attempts.map(({ number }) => number),
      [1, 2],
    );
  });

  it("stores what follows from an end together with it", async () => {
    const ends: string[] = [];
    const ended = ({ call, outcome, answer }: AttemptEnd): Effects => {
      if (call.queue !== "fn/hello") return {};
      ends.push(`${outcome.state} ${answer?.status}`);
      const next = newCall({ id: newCallId(1, Math.random), queue: "fn/next", target: { function: "next" } });
      return outcome.state === "done" ? { calls: [{ ...next, policy: LONG }] } : {};
    };
    await started({ hooks: [{ ended }] });
    rig.answer = (_, response) => void response.writeHead(rig.received.length === 1 ? 500 : 200).end();
    const [id] = await rig.enqueue({ policy: FAST });
    await rig.record(id!, "done");
    await eventually("what follows has run", () => rig.received.at(-1)!.url === "/fn/next/");
    assert.deepEqual(ends, ["waiting 500", "done 200"]);
  });

  it("ends a call as dead whose answer cannot be used", async () => {
    await started({ hooks: [{ ended: () => ({ fault: "The answer is no event." }) }] });
    const [id] = await rig.enqueue({ keepsRecord: false });
    const { reason, attempts } = await rig.record(id!, "dead");
    assert.deepEqual(
      [reason, attempts.at(-1)!.error],
      ["The answer is no event.", "The answer is no event."],
    );
  });
});
