import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { limitsFromEnv } from "../../../../platform/limits.ts";
import { LocalPlatform } from "../../../../platform/local/local-platform.ts";
import { sourceHash, versionHash } from "../../../../platform/version-hash.ts";
import { eventually } from "../../../support/eventually.ts";
import { call } from "../../../support/instances/call-instance.ts";
import { processesWith } from "../../../support/instances/processes.ts";
import { instancesOf, publish, report, servingOf, wake } from "../../../support/platform/deploying.ts";
import { answering, draftOf } from "../../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../../support/platform/temporary-local-platform.ts";

describe("the data folder of a local platform", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-data-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Sockets cannot be copied, and backups leave them out. */
  const copyBeside = (dataFolder: string, file: string) =>
    cpSync(join(dataFolder, file), join(`${dataFolder}-copy`, file), {
      recursive: true,
      filter: (path) => !statSync(path).isSocket(),
    });

  const open = (dataFolder: string) => LocalPlatform.open({ dataFolder, limits: limitsFromEnv({}) });

  it("belongs to one platform: a second one is refused, and the first goes on", async () => {
    const local = await TemporaryLocalPlatform.open({ dataFolder: folder });
    try {
      const instance = await local.publish(draftOf("a", answering("still here")));
      await assert.rejects(open(folder), {
        message: `${join(folder, "skiff.db")} is in use by another Skiff; stop it, or choose another folder with --data.`,
      });
      assert.equal((await call(instance.address)).text, "still here");
      await local.publish(draftOf("a", answering("and deploys")));
    } finally {
      await local.close();
    }
    await (await open(folder)).close();
  });

  it("may have a path that is too long for sockets, which are elsewhere then", async () => {
    const dataFolder = join(folder, "long".repeat(30), "path");
    const local = await TemporaryLocalPlatform.open({ dataFolder });
    let elsewhere = "";
    try {
      const { address } = await local.publish(draftOf("a", answering("near")));
      assert.equal((await call(address)).text, "near");
      elsewhere = readFileSync(join(dataFolder, "instances-at"), "utf8");
      assert.ok(existsSync(elsewhere));
    } finally {
      await local.close();
    }
    assert.ok(!existsSync(elsewhere));
    assert.ok(!existsSync(join(dataFolder, "instances-at")));
  });

  for (const [where, depth] of [
    ["near", ""],
    ["elsewhere", "long".repeat(30)],
  ] as const) {
    it(`may be copied: the copy starts beside the original, whose instances (${where}) go on`, async () => {
      const dataFolder = join(folder, depth, "original");
      const local = await TemporaryLocalPlatform.open({ dataFolder });
      try {
        await local.publish(draftOf("a", answering("still here")));
        // What a backup of a Skiff has that was killed, or was not stopped.
        for (const file of readdirSync(dataFolder)) {
          if (/^(instances|skiff\.db)/.test(file)) copyBeside(dataFolder, file);
        }
        await (await open(`${dataFolder}-copy`)).close();
        assert.equal((await call(local.instance("a").address)).text, "still here");
        assert.deepEqual(readdirSync(`${dataFolder}-copy`).sort(), ["deno", "runtime.mjs", "skiff.db"]);
      } finally {
        await local.close();
      }
    });
  }

  it("may have a path with spaces, and may be a link", async () => {
    mkdirSync(join(folder, "a data folder"));
    symlinkSync(join(folder, "a data folder"), join(folder, "link"));
    const local = await TemporaryLocalPlatform.open({ dataFolder: join(folder, "link") });
    try {
      const { address } = await local.publish(
        draftOf("a", `export default () => Deno.readDirSync(".").next().done;`),
      );
      assert.equal((await call(address)).text, "true");
    } finally {
      await local.close();
    }
  });

  it("cannot have a comma in its path, which is said at once", async () => {
    await assert.rejects(open(join(folder, "a,b")), /has a comma in its path/);
  });

  it("that cannot be used is named, with the cause and what to do", async () => {
    writeFileSync(join(folder, "file"), "");
    mkdirSync(join(folder, "broken", "skiff.db"), { recursive: true });
    const advice = "choose another folder with --data";
    for (const [where, cause] of [
      ["file", "EEXIST"],
      ["file/below", "ENOTDIR"],
      ["broken", "unable to open database file"],
    ] as const) {
      const dataFolder = join(folder, where);
      await assert.rejects(open(dataFolder), ({ message }: Error) => {
        assert.ok(message.startsWith(dataFolder), message);
        return message.includes(`cannot be used: ${cause}`) && message.includes(advice);
      });
    }
  });

  it("has no instances and no processes after the end", async () => {
    const local = await TemporaryLocalPlatform.open({ dataFolder: folder });
    await local.publish(draftOf("a", answering("one"), { min: 2 }));
    await wake(local.platform, "a");
    await local.close();
    assert.deepEqual(processesWith(folder), []);
    assert.ok(!existsSync(join(folder, "instances")));
  });

  it("keeps the versions that the limit allows, the newest ones", async () => {
    const local = await TemporaryLocalPlatform.open({ dataFolder: folder, limits: { versionsKept: 2 } });
    try {
      for (const text of ["1", "2", "3", "4"]) await local.publish(draftOf("a", answering(text)));
      const versions = (await local.platform.describe("a"))!.versions.map(({ version }) => version);
      assert.deepEqual(versions, [3, 4]);
      assert.equal(await local.platform.find("a", 2), undefined);
      const bundles = join(folder, "functions", "a");
      await eventually("the bundles of old versions are gone", () => readdirSync(bundles).length === 1);
      const [bundle = ""] = readdirSync(bundles);
      assert.equal(readFileSync(join(bundles, bundle, "bundle.mjs"), "utf8"), answering("4"));
    } finally {
      await local.close();
    }
  });

  it("of Skiff 0.1.0 opens, serves, is deployed to and goes back to its versions", async () => {
    const old = new URL("./data-folder-0.1.0/", import.meta.url);
    for (const file of ["skiff.db", "skiff.db-wal"]) {
      writeFileSync(join(folder, file), gunzipSync(readFileSync(new URL(`${file}.gz`, old))));
    }
    const local = await TemporaryLocalPlatform.open({ dataFolder: folder });
    const { platform } = local;
    try {
      const names = (await platform.list({ limit: 9 })).map(({ name, version }) => `${name} ${version}`);
      assert.deepEqual(names, ["greet 2", "other 1"]);
      assert.deepEqual(platform.endpoints("greet")?.traffic, [{ version: 2, weight: 1 }]);
      await wake(platform, "greet");
      const answer = async (version?: number) =>
        (await call(instancesOf(platform, "greet", version)[0]!.address)).text;
      assert.equal(await answer(), "two, world ü€😀");
      await platform.wake("greet", 1);
      assert.equal(await answer(1), "one");
      const source = (await platform.readSource("greet"))!;
      const current = (await platform.find("greet"))!;
      assert.equal(current.sourceHash, await sourceHash(source));
      // Its hash was made in another way: the same source and settings are the same version nevertheless.
      const { sourceHash: hashed, settings } = current;
      const same = { name: "greet", hash: versionHash(hashed, settings), sourceHash: hashed, settings };
      assert.notEqual(same.hash, current.hash);
      const again = await publish(platform, { ...same, content: { sameAs: 2 } });
      assert.deepEqual([again.version, again.unchanged], [2, true]);
      await local.publish(draftOf("greet", answering("three")));
      assert.equal(await answer(), "three");
      await platform.route("greet", [{ version: 1, weight: 1 }]);
      assert.equal(await answer(), "one");
    } finally {
      await local.close();
    }
  });

  it("that was written with a higher limit of instances runs within the present one", async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), "skiff-test-"));
    try {
      const before = await TemporaryLocalPlatform.open({ dataFolder });
      await before.publish(draftOf("many", answering("hi"), { concurrency: 1, min: 3, max: 10 }));
      await before.close();
      const after = await TemporaryLocalPlatform.open({ dataFolder, limits: { instancesPerFunction: 2 } });
      try {
        report(after.platform, { name: "many", inFlight: 0, waiting: 9 });
        await eventually("two are ready", () => servingOf(after.platform, "many")?.instances.length === 2);
        const described = await after.platform.describe("many");
        assert.equal(described?.instances.length, 2);
        assert.deepEqual([described.settings.min, described.settings.max], [2, 2]);
      } finally {
        await after.close();
      }
    } finally {
      rmSync(dataFolder, { recursive: true, force: true });
    }
  });
});
