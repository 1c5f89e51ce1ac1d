import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Limits, limitsFromEnv } from "../../../../platform/limits.ts";
import { InstanceFolders } from "../../../../platform/local/instances/instance-folder.ts";
import { InstanceProcess } from "../../../../platform/local/instances/instance-process.ts";
import { LateProbe, probe } from "../../../../platform/local/instances/probe.ts";
import { commandLine } from "../../../../platform/local/instances/process-table.ts";
import { StartError } from "../../../../platform/local/instances/running-instance.ts";
import { Launching } from "../../../../platform/local/launch/launching.ts";
import { ProjectFiles } from "../../../../platform/local/projects/project-files.ts";
import { Resources } from "../../../../platform/local/resources/resources.ts";
import { makeDenoDir } from "../../../../platform/local/store/data-folder.ts";
import type { IsolationMode } from "../../../../platform/local/wall/isolation.ts";
import { INSIDE } from "../../../../platform/local/wall/profile.ts";
import { denoPlanner } from "../../../../runtimes/deno/deno-runtime.ts";
import { eventually } from "../../../support/eventually.ts";
import { instancesIn } from "../../../support/instances/instance-folders.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { publish } from "../../../support/platform/deploying.ts";
import { answering, draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

for (const isolation of ["auto", "permissions"] as const) {
  describe(`the process of an instance, with isolation ${isolation}`, () => {
    let data: string;
    let launching: Launching;
    let ownAddress: string;
    beforeEach(async () => {
      data = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-process-")));
      ownAddress = "8.8.4.4";
      launching = await openLaunching(data, isolation);
      writeFileSync(join(data, "bundle.mjs"), answering("hi"));
    });
    afterEach(async () => {
      await launching.close();
      rmSync(data, { recursive: true, force: true });
    });

    const launch = () => {
      const { settings } = draftOf("a", "");
      return launching.launcher.launch({
        ...{ name: "a", version: 1, settings },
        artifact: { path: join(data, "bundle.mjs") },
        ownAddresses: [ownAddress],
      });
    };
    const start = async (launched = launch()) => {
      const { settings } = draftOf("a", "");
      return new InstanceProcess(await launched, {
        version: 1,
        settings,
        startMs: 10_000,
        expectedMiB: 32,
        onLine: () => {},
      });
    };

    it("does not run when its pid cannot be recorded, and leaves nothing", async () => {
      const launched = await launch();
      const { folder } = launched;
      mkdirSync(join(folder.path, "pid"));
      const instance = await start(Promise.resolve(launched));
      await assert.rejects(instance.ready, (error: unknown) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, /^could not be started: its pid cannot be recorded: EISDIR/);
        return true;
      });
      await instance.ended;
      assert.deepEqual(processesWith(folder.id), []);
      assert.ok(!existsSync(folder.path));
    });

    it("names what Skiff ran out of when it could not reach the instance", async () => {
      const launched = await launch();
      const shortage = Object.assign(new Error("EMFILE: too many open files, open"), { code: "EMFILE" });
      Object.defineProperty(launched, "expose", {
        value: () => {
          throw shortage;
        },
      });
      const instance = await start(Promise.resolve(launched));
      await assert.rejects(instance.ready, (error: unknown) => {
        assert.ok(error instanceof StartError);
        assert.equal(error.cause, shortage);
        return true;
      });
      await instance.ended;
    });

    it("is probed while its function loads, and answers when that is over", async () => {
      const module = `const isEmpty = () => [...Deno.readDirSync(Deno.env.get("TMPDIR"))].length === 0;
        while (isEmpty()) await new Promise((resolve) => setTimeout(resolve, 5));
        ${answering("hi")}`;
      writeFileSync(join(data, "bundle.mjs"), module);
      const launched = await launch();
      const { socket } = launched.folder;
      const instance = await start(Promise.resolve(launched));
      await eventually("it listens", () => existsSync(socket));
      const answers = { isReady: false, isProbed: false };
      const probed = probe({ address: { unix: socket } }, 10_000).then(() => (answers.isProbed = true));
      void instance.ready.then(() => (answers.isReady = true));
      // A probe that does not wait is answered long before.
      await assert.rejects(probe({ address: { unix: socket } }, 200), LateProbe);
      assert.deepEqual(answers, { isReady: false, isProbed: false });
      const scratch =
        isolation === "auto" ? `/proc/${launched.pid}/root${INSIDE.scratch}` : launched.folder.scratch;
      writeFileSync(join(scratch, "go"), "");
      await probed;
      await instance.ready;
      await instance.drain(0);
    });

    it("uses the program that was started before the module was built, if there is a wall", async () => {
      const { settings } = draftOf("a", "");
      const early = { settings, ownAddresses: [ownAddress] };
      const runs = () => processesWith(`${ownAddress}/32`).length > 0;
      launching.launcher.startEarly(early);
      if (isolation === "auto") await eventually("it runs", runs);
      assert.equal(runs(), isolation === "auto");
      const before = processesWith(`${ownAddress}/32`);
      const instance = await start();
      await instance.ready;
      if (isolation === "auto") assert.ok(before.includes(instance.pid));
      await instance.drain(0);
      // Another launch needs other arguments.
      launching.launcher.startEarly(early);
      ownAddress = "9.9.9.9";
      const other = await start();
      await other.ready;
      assert.ok(commandLine(other.pid)?.includes("9.9.9.9/32"));
      await other.drain(0);
    });

    it("may not reach the addresses that the machine has when it starts", async () => {
      for (const address of ["8.8.4.4", "9.9.9.9"]) {
        ownAddress = address;
        const instance = await start();
        await instance.ready;
        assert.ok(commandLine(instance.pid)?.includes(`${address}/32`));
        await instance.drain(0);
      }
    });

    it("has left nothing when it has ended, whatever it wrote", async () => {
      const launched = await launch();
      const instance = await start(Promise.resolve(launched));
      await instance.ready;
      const scratch =
        isolation === "auto" ? `/proc/${launched.pid}/root${INSIDE.scratch}` : launched.folder.scratch;
      for (let number = 0; number < 5_000; number++) writeFileSync(join(scratch, String(number)), "");
      instance.kill("was killed");
      assert.equal(await instance.exited, "was killed");
      await instance.ended;
      assert.ok(!existsSync(launched.folder.path));
      assert.deepEqual(processesWith(launched.folder.id), []);
    });
  });
}

async function openLaunching(data: string, isolation: IsolationMode): Promise<Launching> {
  const limits: Limits = limitsFromEnv({});
  const [planner, cacheFolder] = [await denoPlanner(data), makeDenoDir(data)];
  const [folders, resources, projects] = [new InstanceFolders(data), new Resources(data), new ProjectFiles()];
  const programPlanner = async () => planner;
  const common = { dataFolder: data, programPlanner };
  return Launching.open({ ...common, planner, cacheFolder, folders, resources, projects, isolation, limits });
}

describe("an instance that the system refuses to start", () => {
  it("fails the deploy and leaves nothing", async () => {
    const local = await TemporaryLocalPlatform.open();
    try {
      // Longer than a variable may be for the system, which the settings would not let through.
      const draft = draftOf("huge", answering("hi"), { env: { A: "a".repeat(300_000) } });
      await assert.rejects(publish(local.platform, draft), /E2BIG|Argument list too long/);
      assert.deepEqual(instancesIn(local.dataFolder), []);
      assert.deepEqual(readdirSync(join(local.dataFolder, "functions")), []);
      await local.publish(draftOf("huge", answering("hi")));
    } finally {
      await local.close();
    }
  });
});
