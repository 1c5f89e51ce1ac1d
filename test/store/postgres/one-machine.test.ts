import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { answering } from "../../support/platform/draft.ts";
import { PostgresServer } from "../../support/postgres.ts";
import { SkiffProgram } from "../../support/skiff/skiff-program.ts";

describe("one machine with SKIFF_STORE", function () {
  this.timeout(60_000);
  let folder: string;
  let postgres: PostgresServer;
  let skiff: SkiffProgram | undefined;
  before(async () => {
    postgres = await PostgresServer.start();
  });
  after(() => postgres.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-store-"));
  });
  afterEach(async () => {
    await skiff?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (url: string) => {
    skiff = new SkiffProgram(folder, { env: { SKIFF_STORE: url } });
    return await skiff.url();
  };
  const calls = async (url: string) => {
    const response = await fetch(`${url}/usage`);
    const { total } = (await response.json()) as { total: { calls: number } };
    return total.calls;
  };

  it("keeps usage in PostgreSQL, exactly, also after it was stopped", async () => {
    const database = await postgres.newDatabase();
    const url = await start(database);
    await fetch(`${url}/func?name=hello`, { method: "POST", body: answering("hello") });
    for (let call = 0; call < 20; call++) assert.equal((await fetch(`${url}/fn/hello`)).status, 200);
    skiff!.signalAlone("SIGTERM");
    assert.equal(await skiff!.ended(), 0, skiff!.output);
    assert.equal(await calls(await start(database)), 20);
    assert.ok(!readdirSync(folder).includes("history.db"));
  });

  it("deploys and calls while the database is away, says why, and loses no count", async () => {
    const database = await postgres.newDatabase();
    await postgres.pause();
    const url = await start(database);
    const deploy = await fetch(`${url}/func?name=hello`, { method: "POST", body: answering("hello") });
    assert.equal(deploy.status, 201);
    for (let call = 0; call < 10; call++) assert.equal((await fetch(`${url}/fn/hello`)).status, 200);
    const response = await fetch(`${url}/usage`);
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get("retry-after")) > 0);
    const { code, detail } = (await response.json()) as Record<string, string>;
    assert.equal(code, "store_unavailable");
    assert.match(detail!, /PostgreSQL: .*ECONNREFUSED/);
    assert.ok(
      !detail!.includes(new URL(database).password) && !skiff!.output.includes(new URL(database).password),
    );
    await postgres.restart();
    await eventually("the counts are written", async () => (await calls(url)) === 10);
  });

  it("keeps lines in PostgreSQL, also those that were printed while it was away", async () => {
    const database = await postgres.newDatabase();
    const url = await start(database);
    const source = `export default (request) => { console.log("path", new URL(request.url).pathname); return "ok"; };`;
    await fetch(`${url}/func?name=hello`, { method: "POST", body: source });
    const id = (await fetch(`${url}/fn/hello/one`)).headers.get("x-skiff-call-id");
    const lines = async (query: string) => {
      const response = await fetch(`${url}/func/hello/logs?${query}`);
      return response.status === 200 ? (await response.text()).split("\n").slice(0, -1) : [];
    };
    await eventually("the line of the call", async () => (await lines(`call=${id}`)).length === 1);
    await postgres.pause();
    await fetch(`${url}/fn/hello/two`);
    const away = await fetch(`${url}/func/hello/logs`);
    assert.equal(away.status, 503, await away.text());
    await postgres.restart();
    await eventually("the line that waited", async () => (await lines("search=/two")).length === 1);
    await fetch(`${url}/func/hello`, { method: "DELETE" });
    await fetch(`${url}/func?name=hello`, { method: "POST", body: source });
    assert.deepEqual(await lines("since=1h"), []);
    assert.ok(!readdirSync(folder).includes("logs"));
  });

  it("does not start with a URL of something else", async () => {
    skiff = new SkiffProgram(folder, { env: { SKIFF_STORE: "mysql://skiff:s3cret@localhost/skiff" } });
    assert.equal(await skiff.ended(), 1);
    assert.match(skiff.output, /^Skiff does not start: SKIFF_STORE is not the URL of a PostgreSQL database/m);
    assert.ok(!skiff.output.includes("s3cret"));
  });
});
