import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import request from "supertest";
import { FakeRuns } from "../api/flows/fake-runs.ts";
import { type StartedManager, startManager } from "../started-manager.ts";
import { type Applied, apply, type Files } from "./folders.ts";

const ORDER = "# Orders.\nsteps:\n  mail: {fn: mail}\n";
const SHOP = {
  "skiff.yaml": `functions:
  mail:
flows:
  order: flows/order.yaml
  bill:
  short: { steps: { a: { fn: mail } } }
`,
  "flows/order.yaml": ORDER,
  "bill.flow.yaml": "steps: {a: {fn: mail}}\n",
  "mail.ts": "export default () => 1;\n",
};

function changes({ body }: request.Response): string[] {
  return (body as Applied).flows.map(({ action, name, state }) => `${action} ${name} ${state}`);
}

describe("manager: flows as files", () => {
  let skiff: StartedManager;
  let runs: FakeRuns;
  beforeEach(async () => {
    runs = new FakeRuns();
    skiff = await startManager({ store: runs.asStore() });
  });
  afterEach(() => skiff.stop());

  const applyTo = (files: Files, query = "") => apply(skiff.url, files, query);
  const sourceOf = async (name: string) =>
    (await request(skiff.url).get(`/flow/${name}/source`).expect(200)).text;
  const all = (action: string, state: string) =>
    ["order", "bill", "short"].map((name) => `${action} ${name} ${state}`);

  it("come into being with a version, and the second time nothing happens", async () => {
    const first = await applyTo(SHOP, "message=Begin");
    assert.equal(first.status, 200, first.text);
    assert.deepEqual(changes(first), all("create", "done"));
    assert.equal(await sourceOf("order"), ORDER);
    assert.equal(await sourceOf("short"), "steps:\n  a:\n    fn: mail\n");
    assert.deepEqual(
      runs.kept.map(({ flow, version, by, message }) => [flow, version, by, message]),
      ["order", "bill", "short"].map((flow) => [flow, 1, "local", "Begin"]),
    );
    assert.deepEqual(changes(await applyTo(SHOP)), all("unchanged", "done"));
    assert.equal(runs.kept.length, 3);
  });

  it("show in a plan how their text changes", async () => {
    await applyTo(SHOP);
    const later = { ...SHOP, "flows/order.yaml": ORDER.replace("# Orders", "# All orders") };
    const { body } = await applyTo(later, "dryRun");
    assert.equal(body.flows[0].action, "update");
    assert.match(body.flows[0].diff, /^-# Orders\.\n\+# All orders\.$/m);
    assert.equal(await sourceOf("order"), ORDER);
  });

  it("go with prune, with their versions", async () => {
    await applyTo(SHOP);
    const bare = { ...SHOP, "skiff.yaml": "functions:\n  mail:\n" };
    assert.deepEqual(changes(await applyTo(bare)), []);
    assert.deepEqual(changes(await applyTo(bare, "prune")).sort(), all("remove", "done").sort());
    assert.deepEqual(runs.kept, []);
  });

  it("name what is wrong with its line in their file or in the manifest", async () => {
    const { status, body } = await applyTo({
      ...SHOP,
      "skiff.yaml": SHOP["skiff.yaml"].replace("fn: mail", "fm: mail").replace("  bill:", "  bill: no.yaml"),
      "flows/order.yaml": "steps:\n  mail: {fn: mail, need: [none]}\n",
    });
    assert.deepEqual([status, body.code], [400, "invalid_declaration"]);
    const places = body.errors.map(({ file, line }: { file: string; line: number }) => `${file}:${line}`);
    assert.deepEqual([...new Set(places)].sort(), ["flows/order.yaml:2", "skiff.yaml:5", "skiff.yaml:6"]);
    assert.ok(
      body.errors.some(({ message }: { message: string }) => /^flow "bill": There is no file/.test(message)),
    );
    assert.deepEqual(runs.kept, []);
  });

  it("warn of functions that are not there, and wait for those that failed", async () => {
    const alone = { "skiff.yaml": "flows:\n  order: order.yaml\n", "order.yaml": ORDER };
    const { body } = await applyTo(alone, "dryRun");
    assert.deepEqual(body.warnings, [
      'flow "order": there is no function "mail", neither deployed nor in the folder',
    ]);
    const failed = await applyTo({ ...SHOP, "mail.ts": "BROKEN" });
    assert.equal(failed.status, 422);
    assert.deepEqual(changes(failed), all("create", "skipped"));
  });

  it("are in an export as they were posted, which an apply takes", async () => {
    await applyTo(SHOP);
    const { body } = await request(skiff.url).get("/export").buffer().parse(collect).expect(200);
    const tar = gunzipSync(body as Buffer);
    assert.ok(tar.includes(ORDER));
    assert.ok(tar.includes("flows:\n  bill: bill.flow.yaml\n  order: order.flow.yaml\n  short:\n    steps:"));
    const again = await request(skiff.url).post("/apply").send(tar);
    assert.equal(again.status, 200, again.text);
    assert.deepEqual(changes(again).sort(), all("unchanged", "done").sort());
  });
});

function collect(response: request.Response, done: (error: Error | null, body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  const stream = response as unknown as NodeJS.ReadableStream;
  stream.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => done(null, Buffer.concat(chunks)));
}
