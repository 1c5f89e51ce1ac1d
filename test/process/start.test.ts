import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { processesWith } from "../support/instances/processes.ts";
import { SkiffProgram } from "../support/skiff/skiff-program.ts";

const PRELOAD = new URL("../support/skiff/loaded-modules.ts", import.meta.url).href;
const HTTP_CLIENT = "NativeModule internal/deps/undici/undici";

describe("a start of Skiff", () => {
  let folder: string;
  let skiff: SkiffProgram | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "skiff-start-"));
  });
  afterEach(async () => {
    await skiff?.close();
    skiff = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  /** What it has loaded so far: packages, and parts of Node as `NativeModule NAME`. */
  async function loaded(program: SkiffProgram): Promise<string[]> {
    const from = program.output.length;
    program.signalAlone("SIGUSR2");
    await eventually("the list is there", () => program.output.slice(from).includes("loaded nothing else"));
    const lines = program.output.slice(from).matchAll(/^loaded (.*)$/gm);
    return Array.from(lines, (match) => match[1]!).filter((name) => name !== "nothing else");
  }

  const packages = (names: readonly string[]) => names.filter((name) => !name.startsWith("NativeModule "));

  it("loads no library that only requests of the management API need, nor Node's client for HTTP", async () => {
    skiff = new SkiffProgram(join(folder, "data"), { preloads: [PRELOAD] });
    const url = await skiff.url();
    const before = await loaded(skiff);
    assert.deepEqual(packages(before), ["lru-cache"]);
    assert.ok(before.includes("NativeModule http"));
    assert.ok(!before.includes(HTTP_CLIENT));
    assert.equal((await fetch(`${url}/func`)).status, 200);
    const after = await loaded(skiff);
    assert.ok(packages(after).includes("koa"));
    assert.ok(!after.includes(HTTP_CLIENT));
  });

  it("loads nothing of OpenTelemetry for calls and runs that nobody traces", async () => {
    skiff = new SkiffProgram(join(folder, "data"), { preloads: [PRELOAD] });
    const url = await skiff.url();
    const body = "{steps: {pause: {wait: 1ms}}, output: over}";
    assert.equal((await fetch(`${url}/flow/short`, { method: "PUT", body })).status, 201);
    const run = await fetch(`${url}/flow/short/run?wait=10s`, { method: "POST" });
    assert.deepEqual([run.status, await run.text()], [200, "over"]);
    assert.equal((await fetch(`${url}/fn/nothing`)).status, 404);
    const after = packages(await loaded(skiff));
    assert.ok(after.includes("@marcbachmann/cel-js"), "the engine of flows is loaded");
    assert.deepEqual(
      after.filter((name) => name.startsWith("@opentelemetry/")),
      [],
    );
  });

  it("fails if the folder of builds cannot be made", async () => {
    const data = join(folder, "data");
    mkdirSync(data);
    writeFileSync(join(data, "build"), "");
    skiff = new SkiffProgram(data);
    assert.equal(await skiff.ended(), 1);
    assert.match(skiff.output, /^Skiff does not start: .*\/build/m);
  });

  it("ends in order at a signal that comes before it has finished", async () => {
    const data = join(folder, "data");
    skiff = new SkiffProgram(data);
    await eventually("it has begun", () => existsSync(join(data, "skiff.db")));
    assert.doesNotMatch(skiff.output, /listens on/);
    skiff.signalAlone("SIGTERM");
    assert.equal(await skiff.ended(), 0, skiff.output);
    assert.match(skiff.output, /SIGTERM: letting calls finish/);
    await eventually("no process is left", () => processesWith(folder).length === 0);
  });

  it("keeps what was compiled once it is ready, also for its threads, so that the next one strips no types", async () => {
    const [data, cache] = [join(folder, "data"), join(folder, "cache")];
    const env = { NODE_COMPILE_CACHE: cache };
    // The thread of the store keeps its own modules when it ends.
    const first = new SkiffProgram(data, { env });
    skiff = first;
    await first.url();
    const files = () => readdirSync(cache, { recursive: true }).length;
    await eventually("the modules are kept", () => files() > 100);
    // The last line of what a start loads when it serves already. The next one may load it before it ends.
    await eventually("everything is loaded", () => first.output.includes("sandbox of programs"), 30_000);
    first.signalAlone("SIGTERM");
    assert.equal(await first.ended(), 0);
    const kept = files();

    // Without the preload, which would be compiled as well.
    skiff = new SkiffProgram(data, { env, before: "export NODE_DEBUG_NATIVE=COMPILE_CACHE" });
    await skiff.url();
    assert.match(skiff.output, /transpile cache for StrippedTypeScript \S+\/store-thread\.ts\.\.\.success/);
    assert.doesNotMatch(skiff.output, /no transpile cache for/);
    skiff.signalAlone("SIGTERM");
    assert.equal(await skiff.ended(), 0);
    assert.equal(files(), kept);
  }).timeout(60_000);
});
