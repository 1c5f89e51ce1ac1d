import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";
import { type StartedSkiff, startedSkiff } from "../support/skiff/started-skiff.ts";

const SOURCE = `export default (request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/bad") throw new Error("it is bad");
  if (pathname === "/exit") Deno.exit(3);
  console.log("path", pathname);
  return new Response("ok");
};`;

interface Line {
  readonly at: string;
  readonly version?: number;
  readonly stream: string;
  readonly level: string;
  readonly callId?: string;
  readonly status?: number;
  readonly text: string;
}

async function linesOf(url: string, query: string): Promise<Line[]> {
  const headers = { accept: "application/x-ndjson" };
  const response = await fetch(`${url}/func/hello/logs?${query}`, { headers });
  assert.equal(response.status, 200);
  const text = await response.text();
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** Calls the function and returns the id of the call. */
async function call(url: string, path: string): Promise<string> {
  const response = await fetch(`${url}/fn/hello${path}`);
  await response.text();
  return response.headers.get("x-skiff-call-id")!;
}

describe("the log of a function", () => {
  let folder: string;
  let skiff: StartedSkiff | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-logs-"));
  });
  afterEach(async () => {
    await skiff?.close();
    skiff = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  it("is there without instances and after a restart, and finds a call by its id", async () => {
    skiff = await startedSkiff({ dataFolder: folder });
    assert.equal((await skiff.deploy("hello", SOURCE, "idle=1s")).status, 201);
    const id = await call(skiff.url, "/one");
    await call(skiff.url, "/two");
    const check = async (url: string) => {
      const [line, ...others] = await linesOf(url, `call=${id}`);
      assert.deepEqual([line!.text, line!.version, line!.level, others.length], ["path /one", 1, "info", 0]);
    };
    await eventually("both lines", async () => (await linesOf(skiff!.url, "search=path")).length === 2);
    await check(skiff.url);
    await eventually("there is no instance", async () => {
      const { instances } = (await (await fetch(`${skiff!.url}/func/hello`)).json()) as {
        instances: unknown[];
      };
      return instances.length === 0;
    });
    await check(skiff.url);
    await skiff.close();
    skiff = await startedSkiff({ dataFolder: folder });
    await check(skiff.url);
  });

  for (const workers of [1, 2]) {
    it(`has a line for each failed call (${workers} ${workers === 1 ? "process" : "workers"})`, async () => {
      skiff = await startedSkiff({ workers, dataFolder: folder });
      await skiff.deploy("hello", SOURCE);
      await call(skiff.url, "/fine");
      const thrown = await call(skiff.url, "/bad");
      const broken = await call(skiff.url, "/exit");
      await eventually(
        "two failed calls",
        async () => (await linesOf(skiff!.url, "status=5xx")).length === 2,
      );
      const [first] = await linesOf(skiff.url, "status=500");
      const [second] = await linesOf(skiff.url, "status=502");
      assert.deepEqual(
        [first!.stream, first!.status, first!.level, first!.callId],
        ["call", 500, "error", thrown],
      );
      assert.match(first!.text, /^GET \/fn\/hello\/bad 500 in [\d.]+ m?s/);
      assert.deepEqual([second!.status, second!.callId], [502, broken]);
      const about = await linesOf(skiff.url, `call=${thrown}`);
      assert.deepEqual(about.map(({ stream }) => stream).sort(), ["call", "stderr"]);
      assert.match(about.find(({ stream }) => stream === "stderr")!.text, /Error: it is bad\n {4}at /);
    });
  }

  it("loses no line that was read before Skiff was killed, three times", async function () {
    this.timeout(90_000);
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      const program = new SkiffProgram(folder);
      try {
        const url = await program.url();
        const stored = (await linesOf(url, "since=1h&search=path").catch(() => [])).map(({ text }) => text);
        for (const text of seen) assert.ok(stored.includes(text), `${text} is lost`);
        const source = round === 0 ? SOURCE : undefined;
        if (source) await fetch(`${url}/func?name=hello`, { method: "POST", body: source });
        const calling = Array.from({ length: 4 }, async (_, caller) => {
          for (let n = 0; n < 50; n++) await call(url, `/${round}-${caller}-${n}`).catch(() => undefined);
        });
        await eventually("lines of this round", async () => {
          const lines = (await linesOf(url, `since=1h&search=path%20/${round}-`)).map(({ text }) => text);
          seen.push(...lines.filter((text) => !seen.includes(text)));
          return lines.length > 20 + 30 * Math.random();
        });
        program.signal("SIGKILL");
        await program.ended();
        await Promise.all(calling);
      } finally {
        await program.close();
      }
    }
    assert.ok(seen.length > 60);
  });
});
