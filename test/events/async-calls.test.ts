import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

interface Shown {
  readonly state: string;
  readonly reason?: string;
  readonly attempts: readonly {
    readonly number: number;
    readonly status?: number;
    readonly error?: string;
  }[];
}

/** Answers with what it got; fails as often as the query says. */
const SOURCE = `
export default async (request: Request) => {
  const url = new URL(request.url);
  const attempt = Number(request.headers.get("skiff-attempt"));
  if (attempt <= Number(url.searchParams.get("failures") ?? 0)) return new Response("not yet", { status: 503 });
  await new Promise((resolve) => setTimeout(resolve, Number(url.searchParams.get("ms") ?? 0)));
  const body = await request.text();
  return Response.json({ method: request.method, path: url.pathname + url.search, bytes: body.length, attempt,
    trace: request.headers.get("traceparent")?.slice(3, 35), key: request.headers.get("x-skiff-key") });
};`;

const COUNT = `
export default async (request: Request) => {
  let bytes = 0;
  for await (const part of request.body!) bytes += part.length;
  return new Response(new Uint8Array(bytes / 20));
};`;

/** Calls of 100 ms of a function that takes one at a time: the judged figure is that of 10 minutes. */
const LIMITED = Number(process.env.SKIFF_CHAOS_LIMITED ?? 25);

/** Ends only at its second attempt. */
const ONCE = `
export default async (request: Request) => {
  const attempt = request.headers.get("skiff-attempt");
  console.log("attempt " + attempt);
  if (attempt === "1") await new Promise(() => {});
  return new Response(attempt);
};`;

describe("asynchronous calls with several routers", () => {
  it("run beside plain ones", async function () {
    this.timeout(60_000);
    const skiff = await startedSkiff({ workers: 2 });
    try {
      assert.equal((await skiff.deploy("hidden", SOURCE, "access=internal")).status, 201);
      const sent = Array.from({ length: 20 }, () =>
        fetch(`${skiff.url}/async/fn/hidden`, { method: "POST" }),
      );
      const locations = (await Promise.all(sent)).map(({ headers }) => headers.get("location")!);
      const states = async () =>
        Promise.all(
          locations.map(async (each) => ((await (await fetch(`${skiff.url}${each}`)).json()) as Shown).state),
        );
      await eventually(
        "all are done",
        async () => (await states()).every((state) => state === "done"),
        20_000,
      );
    } finally {
      await skiff.close();
    }
  });
});

describe("an asynchronous call that a stop of Skiff breaks off", () => {
  it("runs again as the next attempt", async function () {
    this.timeout(60_000);
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-async-"));
    const env = { SKIFF_DRAIN: "300ms" };
    let skiff = await startedSkiff({ dataFolder, env });
    try {
      await skiff.deploy("once", ONCE);
      const sent = await fetch(`${skiff.url}/async/fn/once?backoff=0`, { method: "POST" });
      const path = sent.headers.get("location")!;
      const shown = async () => (await (await fetch(`${skiff.url}${path}`)).json()) as Shown;
      const logs = async () => (await fetch(`${skiff.url}/func/once/logs`)).text();
      await eventually("it runs", async () => /attempt 1/.test(await logs()));
      await skiff.close();
      skiff = await startedSkiff({ dataFolder, env });
      await eventually("it is done", async () => (await shown()).state === "done");
      const { attempts } = await shown();
      assert.deepEqual(
        attempts.map(({ number, status }) => [number, status]),
        [
          [1, undefined],
          [2, 200],
        ],
      );
      assert.match(attempts[0]!.error!, /Skiff stopped during the attempt/);
    } finally {
      await skiff.close();
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});

describe("asynchronous calls on one machine", () => {
  let folder: string;
  let skiff: StartedSkiff;
  before(async function () {
    this.timeout(60_000);
    folder = mkdtempSync(join(tmpdir(), "skiff-async-"));
    skiff = await startedSkiff({ dataFolder: folder });
    const deployed = await Promise.all([
      skiff.deploy("echo", SOURCE),
      skiff.deploy("hidden", SOURCE, "access=internal"),
      skiff.deploy("one", SOURCE, "max=1&concurrency=1&timeout=2s"),
      skiff.deploy("count", COUNT),
    ]);
    assert.deepEqual(
      deployed.map(({ status }) => status),
      [201, 201, 201, 201],
    );
  });
  after(async () => {
    await skiff.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const enqueue = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${skiff.url}/async/fn/${path}`, { method: "POST", ...init });
    assert.equal(response.status, 202, await response.clone().text());
    return response.headers.get("location")!;
  };
  const shown = async (location: string) => (await (await fetch(`${skiff.url}${location}`)).json()) as Shown;
  const ended = async (location: string, state = "done") => {
    let call = await shown(location);
    const hasEnded = async () => {
      call = await shown(location);
      return call.state === state;
    };
    await eventually(`${location} is ${state}`, hasEnded).catch((error: Error) => {
      assert.fail(`${error.message}: ${JSON.stringify(call)}\n${skiff.lines.join("\n")}`);
    });
    return call;
  };
  const resultOf = async (location: string) =>
    (await (await fetch(`${skiff.url}${location}/result`)).json()) as Record<string, unknown>;

  it("reach the function as they were sent, in one trace, without the key of Skiff", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const headers = { traceparent: `00-${trace}-b7ad6b7169203331-01` };
    const location = await enqueue("echo/large?q=1", { method: "PUT", body: "pixels", headers });
    assert.equal((await ended(location)).attempts.length, 1);
    const expected = { method: "PUT", path: "/large?q=1", bytes: 6, attempt: 1, trace, key: null };
    assert.deepEqual(await resultOf(location), expected);
  });

  it("are tried again until the function answers", async () => {
    const location = await enqueue("echo?failures=2&backoff=10ms");
    const { attempts } = await ended(location);
    assert.deepEqual(
      attempts.map(({ number, status }) => [number, status]),
      [
        [1, 503],
        [2, 503],
        [3, 200],
      ],
    );
    assert.equal(attempts[0]!.error, "The answer was 503: not yet");
  });

  it("reach functions that nobody else can call", async () => {
    assert.equal((await fetch(`${skiff.url}/fn/hidden`)).status, 404);
    const location = await enqueue("hidden");
    await ended(location);
    assert.equal((await resultOf(location)).attempt, 1);
  });

  it("wait for a function at its limits, longer than its timeout, without losing attempts", async function () {
    this.timeout(30_000 + LIMITED * 500);
    const locations = await Promise.all(Array.from({ length: LIMITED }, () => enqueue("one?ms=100")));
    for (const location of locations) assert.equal((await ended(location)).attempts.length, 1);
  });

  it("have bodies of 100 MiB, and answers of 5 MiB, beside the rows", async function () {
    this.timeout(60_000);
    const part = new Uint8Array(1024 ** 2);
    const body = new ReadableStream({
      async start(controller) {
        for (let i = 0; i < 100; i++) controller.enqueue(part);
        controller.close();
      },
    });
    const location = await enqueue("count", { body, duplex: "half" } as RequestInit);
    await ended(location);
    // The function answers with one byte for each 20 that it got.
    const result = await fetch(`${skiff.url}${location}/result`);
    assert.equal((await result.arrayBuffer()).byteLength, 5 * 1024 ** 2);
  });

  it("wait for a function that is not there for a while, and end as dead when it stays away", async () => {
    await skiff.deploy("gone", SOURCE);
    const short = await enqueue("gone?delay=200ms&max-age=1s");
    const long = await enqueue("gone?delay=200ms");
    assert.equal((await fetch(`${skiff.url}/func/gone`, { method: "DELETE" })).status, 200);
    assert.match((await ended(short, "dead")).reason!, /max-age.*There is no function "gone"/);
    await skiff.deploy("gone", SOURCE);
    assert.equal((await ended(long)).attempts.length, 1);
  });

  it("outlive a restart, and the next Skiff goes on with them", async function () {
    this.timeout(60_000);
    const running = await enqueue("echo?ms=300");
    const waiting = await enqueue("echo?delay=1s");
    await eventually("it runs", async () => (await shown(running)).state === "running");
    await skiff.close();
    skiff = await startedSkiff({ dataFolder: folder });
    assert.equal((await shown(running)).attempts.length, 1);
    assert.equal((await shown(running)).state, "done");
    assert.equal((await ended(waiting)).attempts.length, 1);
  });
});
