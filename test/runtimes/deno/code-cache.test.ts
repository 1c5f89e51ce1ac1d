import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CachePlace, CodeCache } from "../../../runtimes/deno/code-cache.ts";
import { eventually } from "../../support/eventually.ts";
import { call } from "../../support/instances/call-instance.ts";
import { needsLinux, notTried } from "../../support/not-tried.ts";
import { servingOf, wake } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../../support/platform/temporary-local-platform.ts";

const LARGE = `/*${"x".repeat(70 * 1024)}*/`;

describe("the compiled code of versions", () => {
  let folder: string;
  let work: string;
  let bundle: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-test-cache-"));
    work = join(folder, "work");
    mkdirSync(join(work, "deno"), { recursive: true });
    mkdirSync(join(folder, "shared"));
    mkdirSync(join(folder, "version"));
    bundle = join(folder, "version", "bundle.mjs");
    writeFileSync(bundle, LARGE);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** An instance whose folder in memory is `work`; what stands in there is the function's to choose. */
  const instance = (signals: string[] = []): CachePlace => ({
    sandbox: { isEnded: false, workPath: work, signal: (name) => void signals.push(name) },
    user: process.getuid?.() ?? 0,
  });
  const kept = (name: string) => join(folder, "version", "deno", name);

  async function harvest(): Promise<void> {
    const cache = new CodeCache(join(folder, "shared"), "key");
    const signals: string[] = [];
    const provided = await cache.provide(bundle, instance(signals));
    provided.loaded();
    await eventually("it was looked at", () => signals.includes("SIGCONT"));
    await provided.close();
    assert.deepEqual(signals, ["SIGSTOP", "SIGCONT"]);
  }

  it("is taken from one instance, which stands still meanwhile, and given to the next", async () => {
    writeFileSync(join(work, "deno", "v8_code_cache_v2"), "compiled");
    writeFileSync(join(work, "deno", "something-else"), "not taken");
    await harvest();
    assert.equal(readFileSync(kept("v8_code_cache_v2"), "utf8"), "compiled");
    assert.ok(existsSync(kept("complete")) && !existsSync(kept("something-else")));
    rmSync(join(work, "deno", "v8_code_cache_v2"));
    await new CodeCache(join(folder, "shared"), "key").provide(bundle, instance());
    assert.equal(readFileSync(join(work, "deno", "v8_code_cache_v2"), "utf8"), "compiled");
  });

  it("that cannot be copied whole leaves no part of it, and fails no start", async () => {
    mkdirSync(kept("v8_code_cache_v2"), { recursive: true });
    for (const name of ["complete", "dep_analysis_cache_v2"]) writeFileSync(kept(name), "");
    await new CodeCache(join(folder, "shared"), "key").provide(bundle, instance());
    assert.deepEqual(readdirSync(join(work, "deno")), []);
  });

  it("goes on after what cannot be kept", async () => {
    writeFileSync(join(work, "deno", "v8_code_cache_v2"), "compiled");
    writeFileSync(join(folder, "version", "deno"), "in its place");
    await harvest();
  });

  for (const [what, put] of Object.entries({
    "a link to a file of the machine": (path: string) => symlinkSync(join(folder, "secret"), path),
    "a pipe": (path: string) => assert.equal(spawnSync("mkfifo", [path]).status, 0),
    "a folder": (path: string) => mkdirSync(path),
    "more than is kept": (path: string) => {
      writeFileSync(path, "");
      truncateSync(path, 64 * 1024 ** 2);
    },
  })) {
    it(`is not ${what} that the function put in its place`, async () => {
      writeFileSync(join(folder, "secret"), "secret");
      put(join(work, "deno", "v8_code_cache_v2"));
      await harvest();
      assert.ok(!existsSync(kept("complete")));
      assert.ok(!existsSync(kept("v8_code_cache_v2")));
    });
  }

  it("is not read through a link in the place of its folder", async () => {
    rmSync(join(work, "deno"), { recursive: true });
    mkdirSync(join(folder, "elsewhere"));
    writeFileSync(join(folder, "elsewhere", "v8_code_cache_v2"), "secret");
    symlinkSync(join(folder, "elsewhere"), join(work, "deno"));
    await harvest();
    assert.ok(!existsSync(kept("complete")));
  });

  it("of a real version is there for its next instance", async function () {
    needsLinux(this, "walls");
    this.timeout(60_000);
    const local = await TemporaryLocalPlatform.open();
    try {
      if (!(await local.platform.isolation()).wall) notTried(this, "this machine has no wall");
      await local.publish(draftOf("large", `${LARGE}\nexport default () => "large";`, { idleMs: 4_000 }));
      const versions = join(local.dataFolder, "functions", "large");
      const find = () => spawnSync("find", [versions, "-name", "complete"], { encoding: "utf8" }).stdout;
      await eventually("it is kept", () => find() !== "");
      await eventually("it sleeps", () => servingOf(local.platform, "large")?.instances.length === 0);
      await wake(local.platform, "large");
      assert.equal((await call(local.instance("large").address)).text, "large");
    } finally {
      await local.close();
    }
  });
});
