import assert from "node:assert/strict";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";
import { needsWall } from "../support/skiff/walls.ts";

describe("/async/exec", () => {
  let skiff: StartedSkiff;
  before(async function () {
    needsWall(this, "bwrap");
    this.timeout(60_000);
    skiff = await startedSkiff({ env: { SKIFF_EXEC_AT_ONCE: "2", SKIFF_IMAGES: "host" } });
  });
  after(() => skiff?.close());

  const send = (script: string, more = "", init: RequestInit = {}) => {
    const query = new URLSearchParams([
      ["image", "host"],
      ...["sh", "-c", script].map((arg) => ["arg", arg]),
    ]);
    return fetch(`${skiff.url}/async/exec?${query}${more}`, init);
  };
  const resultOf = async (response: Response) => {
    assert.equal(response.status, 202);
    const url = `${skiff.url}${response.headers.get("location")}`;
    return { url, response: await fetch(`${url}/result?wait=20s`) };
  };

  it("runs a command later, once, and keeps its output and exit code", async () => {
    const headers = { "x-skiff-env-secret": "p4ss", "idempotency-key": "one" };
    const sent = await send('cat; echo "$SECRET" >&2; exit 7', "", { method: "POST", body: "in", headers });
    const { url, response } = await resultOf(sent);
    assert.equal(response.headers.get("skiff-status"), "200");
    const { durationMs, ...result } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(result, { exitCode: 7, output: "in", errors: "p4ss\n", truncated: false });
    assert.ok((durationMs as number) > 0);
    const record = (await (await fetch(url)).json()) as { url: string; state: string; headers: object };
    assert.deepEqual([record.url, record.state], ["/exec", "done"]);
    assert.doesNotMatch(JSON.stringify(record), /p4ss/);
    const again = await send('cat; echo "$SECRET" >&2; exit 7', "", { method: "POST", body: "in", headers });
    assert.equal(again.headers.get("idempotency-replayed"), "true");
  });

  it("tries no second time, unless it is asked to", async () => {
    const { response } = await resultOf(await send("sleep 9", "&timeout=100ms"));
    assert.deepEqual(
      [response.headers.get("skiff-state"), response.headers.get("skiff-status")],
      ["dead", "504"],
    );
    assert.equal(response.headers.get("skiff-attempts"), "1");
    const twice = await resultOf(await send("sleep 9", "&timeout=100ms&attempts=2&backoff=1ms"));
    assert.equal(twice.response.headers.get("skiff-attempts"), "2");
  });

  it("runs as many at a time as it may, and all of them", async () => {
    const sent = await Promise.all(Array.from({ length: 6 }, (_, at) => send(`sleep 0.2; echo ${at}`)));
    const results = await Promise.all(sent.map(resultOf));
    const outputs = await Promise.all(
      results.map(async ({ response }) => ((await response.json()) as { output: string }).output),
    );
    assert.deepEqual(outputs, ["0\n", "1\n", "2\n", "3\n", "4\n", "5\n"]);
  });

  it("refuses at once what may not run", async () => {
    const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;
    const url = `${skiff.url}/async/exec`;
    assert.equal(await codeOf(await fetch(`${url}?image=alpine`)), "image_not_allowed");
    assert.equal(await codeOf(await fetch(url)), "invalid_request");
    assert.equal(await codeOf(await fetch(`${url}?image=host`, { method: "PUT" })), "method_not_allowed");
    for (const wrong of [
      ...[
        "image=host",
        "image=host&cmd=true&foo=1",
        "image=host&cmd=echo+%22abc",
        "image=host&image=host&cmd=ls",
      ],
      ...["image=host&cmd=ls&arg=ls", "image=host&cmd=true&pull-secret=registry"],
    ])
      assert.equal(await codeOf(await fetch(`${url}?delay=1h&${wrong}`)), "invalid_request", wrong);
    for (const wrong of ["timeout=10h", "memory=1"])
      assert.equal(
        await codeOf(await fetch(`${url}?image=host&cmd=true&${wrong}`)),
        "invalid_setting",
        wrong,
      );
    const fields = { headers: { "x-skiff-env-1": "x" } };
    assert.equal(await codeOf(await fetch(`${url}?image=host&cmd=true`, fields)), "invalid_request");
    const page = { headers: { origin: "https://example.com" } };
    assert.equal(await codeOf(await fetch(`${url}?image=host&cmd=true`, page)), "forbidden");
  });
});
