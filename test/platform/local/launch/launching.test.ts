import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { InstanceFolders } from "../../../../platform/local/instances/instance-folder.ts";
import { Launching } from "../../../../platform/local/launch/launching.ts";
import { ProjectFiles } from "../../../../platform/local/projects/project-files.ts";
import { Resources } from "../../../../platform/local/resources/resources.ts";
import { makeDenoDir } from "../../../../platform/local/store/data-folder.ts";
import { denoPlanner } from "../../../../runtimes/deno/deno-runtime.ts";
import { eventually } from "../../../support/eventually.ts";
import { draftOf } from "../../../support/platform/draft.ts";
import { needsWall } from "../../../support/skiff/walls.ts";

describe("a network wall that cannot be had at the start", () => {
  let data: string;
  let launching: Launching | undefined;
  let projects: ProjectFiles | undefined;
  after(async () => {
    await launching?.close();
    await projects?.close();
    if (data) rmSync(data, { recursive: true, force: true });
  });

  it("is tried again when a function needs one", async function () {
    needsWall(this, "unshare");
    data = mkdtempSync(join(tmpdir(), "skiff-test-launching-"));
    const artifact = { path: join(data, "bundle.mjs") };
    writeFileSync(artifact.path, "");
    projects = new ProjectFiles();
    const reasons = ["there is no route yet", "there is none to this day"];
    const planner = await denoPlanner(data);
    launching = await Launching.open({
      ...{ dataFolder: data, planner, programPlanner: async () => planner },
      cacheFolder: makeDenoDir(data),
      folders: new InstanceFolders(data),
      resources: new Resources(data),
      projects,
      isolation: "wall",
      probeNetworks: async () => ({ available: false, reason: reasons.shift() ?? "asked too often" }),
      probeAgainMs: 0,
      limits: limitsFromEnv({}),
    });
    assert.match(await launching.describeNetwork(), /there is no route yet/);
    const { settings } = draftOf("a", "");
    const launched = await launching.launcher.launch({
      ...{ name: "a", version: 1, settings },
      ...{ ownAddresses: [], artifact },
    });
    await launched.close();
    await eventually("it was tried again", async () =>
      /there is none to this day|asked too often/.test(await launching!.describeNetwork()),
    );
  });
});
