import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { actions, apply } from "../manager/files/folders.ts";
import { eventually } from "../support/eventually.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const FOLDER = new URL("../../examples/events/", import.meta.url);

describe("the examples of events", () => {
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
    const files = Object.fromEntries(
      readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER))]),
    );
    const answer = await apply(skiff.url, files);
    assert.equal(answer.status, 200, answer.text);
    const functions = ["archive", "ping", "report", "resize"].map((name) => `create ${name} done`);
    assert.deepEqual(actions(answer).sort(), functions);
  });
  after(() => skiff.close());

  const get = async (path: string): Promise<Response> => fetch(`${skiff.url}${path}`);
  /** The answer of a call, once it has ended. */
  const result = async (id: string): Promise<Response> => {
    const record = (await (await get(`/call/${id}?wait=30s`)).json()) as { state: string };
    assert.equal(record.state, "done", JSON.stringify(record));
    return get(`/call/${id}/result`);
  };

  it("ping answers a request that comes through the gateway", async () => {
    const response = await get("/gateway/test/hello");
    assert.deepEqual([response.status, await response.text()], [200, "pong"]);
  });

  it("archive gets its own copy of each event", async () => {
    await get("/gateway/test/archived");
    await eventually("the event is in the archive", async () => {
      const events = (await (await get("/fn/archive")).json()) as { path: string }[];
      return events.some(({ path }) => path.includes("archived"));
    });
  });

  it("report is made by its schedule, and its answer is kept", async () => {
    assert.equal((await get("/fn/report")).status, 404);
    const run = await fetch(`${skiff.url}/schedule/report/run`, { method: "POST" });
    assert.equal(run.status, 202, await run.clone().text());
    const id = run.headers.get("location")!.split("/").at(-1)!;
    const report = await result(id);
    assert.equal(report.headers.get("content-type"), "text/markdown; charset=utf-8");
    assert.match(
      await report.text(),
      /^# What happened yesterday\n\n\d{4}-\d\d-\d\d: nothing went wrong\.\n$/,
    );
  });

  it("resize is tried again until it is done, and gives up at once on what is no picture", async () => {
    const picture = Buffer.concat([Buffer.from("P5\n4 2\n255\n"), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8])]);
    const send = async (body: Uint8Array<ArrayBuffer>, query: string): Promise<string> => {
      const response = await fetch(`${skiff.url}/async/fn/resize?${query}`, { method: "POST", body });
      assert.equal(response.status, 202);
      return ((await response.json()) as { id: string }).id;
    };
    const id = await send(new Uint8Array(picture), "width=2&busy=2&backoff=10ms");
    const small = Buffer.from(await (await result(id)).arrayBuffer());
    assert.deepEqual(small, Buffer.concat([Buffer.from("P5\n2 1\n255\n"), Buffer.from([1, 3])]));
    const { attempts } = (await (await get(`/call/${id}`)).json()) as { attempts: { status: number }[] };
    assert.deepEqual(
      attempts.map(({ status }) => status),
      [503, 503, 200],
    );
    const text = await send(new Uint8Array(Buffer.from("text")), "width=2");
    const dead = (await (await get(`/call/${text}?wait=30s`)).json()) as { state: string; reason: string };
    assert.equal(dead.state, "dead");
    assert.match(dead.reason, /400.*no binary PGM picture/s);
  });
});
