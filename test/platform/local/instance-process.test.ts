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
import { denoPath } from "../../../platform/deno-binary.ts";
import { makeDenoDir } from "../../../platform/local/data-folder.ts";
import { type InstanceFolder, InstanceFolders } from "../../../platform/local/instance-folder.ts";
import { InstanceProcess, type Runtime, StartError } from "../../../platform/local/instance-process.ts";
import { commandLine } from "../../../platform/local/process-table.ts";
import { Resources } from "../../../platform/local/resources/resources.ts";
import { compileRuntime } from "../../../platform/local/runtime-program.ts";
import { answering, draftOf } from "../../support/draft.ts";
import { processesWith } from "../../support/processes.ts";
import { TemporaryLocalPlatform } from "../../support/temporary-local-platform.ts";

describe("the process of an instance", () => {
  let data: string;
  let folders: InstanceFolders;
  let runtime: Runtime;
  let resources: Resources;
  let ownAddress: string;
  beforeEach(() => {
    data = realpathSync(mkdtempSync(join(tmpdir(), "skiff-test-process-")));
    folders = new InstanceFolders(data);
    resources = new Resources(data);
    ownAddress = "8.8.4.4";
    runtime = {
      deno: denoPath(),
      program: compileRuntime(data),
      denoDir: makeDenoDir(data),
      ownAddresses: () => [ownAddress],
      startMs: 10_000,
    };
    writeFileSync(join(data, "bundle.mjs"), answering("hi"));
  });
  afterEach(() => rmSync(data, { recursive: true, force: true }));

  const start = (folder: InstanceFolder) => {
    const { settings } = draftOf("a", "");
    const bundle = join(data, "bundle.mjs");
    return new InstanceProcess(runtime, {
      name: "a",
      version: 1,
      settings,
      bundle,
      folder,
      resources: resources.open(folder.id),
      expectedMiB: 32,
      onLine: () => {},
    });
  };

  it("does not run when its pid cannot be recorded, and leaves nothing", async () => {
    const folder = folders.create();
    mkdirSync(join(folder.path, "pid"));
    const instance = start(folder);
    await assert.rejects(instance.ready, (error: unknown) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /^could not be started: its pid cannot be recorded: EISDIR/);
      return true;
    });
    await instance.ended;
    assert.deepEqual(processesWith(folder.id), []);
    assert.ok(!existsSync(folder.path));
  });

  it("may not reach the addresses that the machine has when it starts", async () => {
    for (const address of ["8.8.4.4", "9.9.9.9"]) {
      ownAddress = address;
      const instance = start(folders.create());
      await instance.ready;
      assert.ok(commandLine(instance.pid)?.includes(`${address}/32`));
      await instance.drain(0);
    }
  });

  it("has left nothing when it has ended, whatever it wrote", async () => {
    const folder = folders.create();
    const instance = start(folder);
    await instance.ready;
    for (let number = 0; number < 5_000; number++) writeFileSync(join(folder.scratch, String(number)), "");
    instance.kill("was killed");
    assert.equal(await instance.exited, "was killed");
    await instance.ended;
    assert.ok(!existsSync(folder.path));
  });
});

describe("an instance that the system refuses to start", () => {
  it("fails the deploy and leaves nothing", async () => {
    const local = new TemporaryLocalPlatform();
    try {
      // Longer than a variable may be for the system, which the settings would not let through.
      const draft = draftOf("huge", answering("hi"), { env: { A: "a".repeat(300_000) } });
      await assert.rejects(local.platform.publish(draft), /E2BIG/);
      assert.deepEqual(readdirSync(join(local.dataFolder, "instances")), []);
      assert.deepEqual(readdirSync(join(local.dataFolder, "functions")), []);
      await local.publish(draftOf("huge", answering("hi")));
    } finally {
      await local.close();
    }
  });
});
