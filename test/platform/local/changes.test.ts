import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../../support/eventually.ts";
import { instancesIn } from "../../support/instances/instance-folders.ts";
import { instancesOf, publish } from "../../support/platform/deploying.ts";
import { answering, draftOf } from "../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";

const HANGING = `await new Promise(() => {});`;

describe("changes of one function at the same time", () => {
  let dataFolder: string;
  let local: TemporaryLocalPlatform;
  beforeEach(async () => {
    dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-changes-"));
    local = await TemporaryLocalPlatform.open({ dataFolder });
  });
  afterEach(async () => {
    await local.close();
    rmSync(dataFolder, { recursive: true, force: true });
  });

  const reopen = async () => {
    await local.close();
    local = await TemporaryLocalPlatform.open({ dataFolder });
  };

  for (const [what, before] of [
    ["an existing function", 1],
    ["a function that is being created", 0],
  ] as const) {
    it(`a removal of ${what} rejects what is under way, and nothing of it is left`, async () => {
      const { platform } = local;
      if (before > 0) await publish(platform, draftOf("gone", answering("one")));
      const stored = platform.store(draftOf("gone", HANGING));
      const rejected = assert.rejects(stored, { code: "unknown_function" });
      await eventually("it starts", () => instancesIn(dataFolder).length === before + 1);
      assert.equal(await platform.remove("gone"), before > 0);
      await rejected;
      assert.equal(platform.endpoints("gone"), undefined);
      await eventually("no process is left", () => instancesIn(dataFolder).length === 0);
      await eventually("no bundle is left", () => !existsSync(join(dataFolder, "functions", "gone")));
      await publish(platform, draftOf("gone", answering("new")));
      await platform.remove("gone");
      await reopen();
      assert.deepEqual(await local.platform.list({ limit: 9 }), []);
    });
  }

  it("a call on an instance that drains starts no other one of its version", async () => {
    const { platform } = local;
    const first = await local.publish(draftOf("left", `console.log("one starts");\n${answering("one")}`));
    const report = (calls: number) => {
      const byInstance = () => new Map(calls === 0 ? [] : [[first.id, { calls, streams: 0 }]]);
      platform.report({ name: "left", version: 1, inFlight: calls, waiting: 0, byInstance });
    };
    report(1);
    await publish(platform, draftOf("left", answering("two")));
    report(2);
    report(1);
    report(0);
    // One that was started would stay for its idle time.
    await eventually("version 1 has no instance", async () => {
      const { instances } = (await platform.describe("left"))!;
      return instances.every(({ version }) => version === 2);
    });
    assert.equal(local.log.split("one starts").length, 2);
  });

  it("routes leave memory and disk with the same traffic, that of the last commit", async () => {
    const texts = ["one", "two", "three"];
    for (const text of texts) await local.platform.store(draftOf("turns", answering(text)));
    const routes = texts.map((_, index) =>
      local.platform.route("turns", [{ version: index + 1, weight: 1 }]),
    );
    await Promise.all(routes);
    const { traffic } = (await local.platform.describe("turns"))!;
    assert.equal(traffic.length, 1);
    assert.deepEqual(local.platform.endpoints("turns")?.traffic, traffic);
    await reopen();
    assert.deepEqual((await local.platform.describe("turns"))?.traffic, traffic);
  });

  it("a version that loses its traffic while another route holds it drains when that one fails", async () => {
    const { platform } = local;
    const settings = { min: 1, idleMs: 100 };
    for (const text of ["one", "two", "three"]) {
      await platform.store(draftOf("crossing", answering(text), settings));
    }
    await platform.route("crossing", [{ version: 1, weight: 1 }]);
    await eventually("version 3 sleeps", () => instancesOf(platform, "crossing", 3).length === 0);
    const folder = join(dataFolder, "functions", "crossing");
    for (const each of readdirSync(folder).filter((name) => name.startsWith("3-"))) {
      writeFileSync(join(folder, each, "bundle.mjs"), HANGING);
    }
    const leaving = new AbortController();
    const canary = [1, 3].map((version) => ({ version, weight: 1 }));
    const failed = assert.rejects(platform.route("crossing", canary, leaving.signal), /gave up/);
    const starting = async () => (await platform.describe("crossing"))!.instances.map(({ state }) => state);
    await eventually("version 3 starts", async () => (await starting()).includes("starting"));
    await platform.route("crossing", [{ version: 2, weight: 1 }]);
    assert.equal(instancesOf(platform, "crossing", 1).length, 1);
    leaving.abort(new Error("gave up"));
    await failed;
    await eventually("version 1 has none", () => instancesOf(platform, "crossing", 1).length === 0);
    assert.equal(instancesOf(platform, "crossing", 2).length, 1);
  });
});
