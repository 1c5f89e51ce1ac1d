import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { LocalPlatform } from "../../../../platform/local/local-platform.ts";
import type { Problem } from "../../../../platform/problems.ts";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { programPid } from "../../../support/instances/instance-folders.ts";
import { publish, report, servingOf, wake } from "../../../support/platform/deploying.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

const EXITING = `
  export default (request) => {
    if (request.url.endsWith("/exit")) Deno.exit(3);
    return "fine";
  };`;

describe("an instance that ends by itself", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  async function ended(name: string, instanceId: string): Promise<void> {
    await eventually(`${instanceId} left the endpoints`, () =>
      (servingOf(local.platform, name)?.instances ?? []).every(({ id }) => id !== instanceId),
    );
  }

  it("by Deno.exit leaves the endpoints, and a wake starts another", async () => {
    const instance = await local.publish(draftOf("exiting", EXITING));
    await assert.rejects(call(instance.address, { path: "/exit" }));
    await ended("exiting", instance.id);
    const described = await local.platform.describe("exiting");
    assert.match(described!.lastErrors.at(-1)!.message, /^instance \w+ exited with code 3$/);
    await wake(local.platform, "exiting");
    assert.equal((await call(local.instance("exiting").address)).text, "fine");
  });

  it("because it was killed leaves the endpoints, and is started again for the load that is there", async () => {
    const instance = await local.publish(draftOf("killed", EXITING));
    report(local.platform, { name: "killed", inFlight: 1, waiting: 0 });
    process.kill(programPid(local.dataFolder, instance.id), "SIGKILL");
    await ended("killed", instance.id);
    await eventually("another is ready", () => servingOf(local.platform, "killed")?.instances.length === 1);
    await local.logged(`instance ${instance.id} ended by SIGKILL`);
  });

  it("again and again is started after pauses that grow", async () => {
    await local.publish(
      draftOf("flapping", `export default () => "ready"; setTimeout(() => Deno.exit(4), 100);`, { min: 1 }),
    );
    const errors = async () => (await local.platform.describe("flapping"))!.lastErrors;
    await eventually("it failed four times", async () => (await errors()).length >= 4);
    const at = (await errors()).map(({ at }) => at.getTime());
    assert.ok(at[2]! - at[1]! >= 200, String(at));
    assert.ok(at[3]! - at[2]! >= 400, String(at));
    await eventually("it says why it is not ready", async () =>
      /It failed \d+ times in a row\. The next start is in .* exited with code 4/.test(
        (await local.platform.describe("flapping"))?.notReady ?? "",
      ),
    );
    await local.platform.remove("flapping");
  });

  it("before it is ready is started again at once, and those who wait get that one", async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-crashes-"));
    const bundles = join(dataFolder, "functions", "late");
    const write = (code: string) => {
      for (const version of readdirSync(bundles)) writeFileSync(join(bundles, version, "bundle.mjs"), code);
    };
    let failures = 0;
    const platform = await LocalPlatform.open({
      dataFolder,
      limits: limitsFromEnv({}),
      onLine: (_, { stream }) => {
        if (stream === "platform" && ++failures === 1) write(EXITING);
      },
    });
    const toZero = () =>
      eventually("it has no instance", () => servingOf(platform, "late")?.instances.length === 0);
    try {
      await publish(platform, draftOf("late", EXITING, { idleMs: 100 }));
      await toZero();
      write("throw 1;");
      await wake(platform, "late");
      assert.equal(failures, 1);

      // One that never starts is tried twice, then it is an answer.
      await toZero();
      write("throw 2;");
      await assert.rejects(wake(platform, "late"), { code: "no_capacity" });
      assert.ok(failures <= 3, `${failures} failures`);
    } finally {
      await platform.close({ drainMs: 0 });
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });

  it("before it is ready rejects every wake, and does not start for each", async () => {
    const instance = await local.publish(draftOf("spinning", EXITING));
    await assert.rejects(call(instance.address, { path: "/exit" }));
    await ended("spinning", instance.id);
    const folder = join(local.dataFolder, "functions", "spinning");
    for (const version of readdirSync(folder)) {
      writeFileSync(join(folder, version, "bundle.mjs"), `throw new Error("broken");`);
    }
    const problems: Problem[] = [];
    while (problems.length < 200 || problems.at(-1)!.extensions.retryAfterS! < 2) {
      await wake(local.platform, "spinning").catch((error: Problem) => problems.push(error));
    }
    assert.ok(
      problems.every(({ code, extensions }) => code === "no_capacity" && extensions.retryAfterS! >= 1),
    );
    const starts = local.lines.filter(({ text }) => text.includes("did not start: exited with code 1"));
    assert.ok(starts.length >= 3 && starts.length <= 6, `${starts.length} starts`);
  });
});
