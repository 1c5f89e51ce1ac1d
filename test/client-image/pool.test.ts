import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, watch, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { encodeLoad, LOAD_HEADER } from "../../client-image/load-message.ts";
import { launchOf, type ProjectLaunch } from "../../client-image/project/project-pack.ts";
import { Sealer } from "../../client-image/sealed.ts";
import {
  PROBE_HEADER,
  PROBE_PATH,
  START_VARIABLE,
  VERSION_HEADER,
} from "../../client-image/start-message.ts";
import { poolKeys } from "../../platform/kubernetes/pool/pool-keys.ts";
import { limitsFromEnv } from "../../platform/limits.ts";
import { defaultSettings, type Settings } from "../../platform/settings/settings.ts";
import { denoPath } from "../../runtimes/deno/deno-binary.ts";
import { denoRunArguments, programArguments } from "../../runtimes/deno/deno-flags.ts";
import { compileRuntime } from "../../runtimes/deno/deno-runtime.ts";
import { eventually } from "../support/eventually.ts";
import { type Answer, call } from "../support/instances/call-instance.ts";
import { packedProject } from "../support/packed-project.ts";

const SCRIPT = fileURLToPath(new URL("../../client-image/pool.sh", import.meta.url));
const POD_KEY = fileURLToPath(new URL("../../client-image/pod-key.ts", import.meta.url));
const UID = "0d3e4b7c";
const KEYS = poolKeys("the secret of an installation");
const DEFAULTS = defaultSettings(limitsFromEnv({}));

/** What a pod of the pool is, but for the container: pool.sh, Deno with its flags, and the folders. */
class PoolProcess {
  readonly folder = mkdtempSync(join(tmpdir(), "skiff-pool-"));
  readonly work = join(this.folder, "work");
  readonly output: string[] = [];
  readonly #scratch = join(this.folder, "scratch");
  readonly keys = join(this.folder, "key");
  readonly key = join(this.keys, "own");
  readonly #bundle = join(this.work, "bundle.mjs");
  readonly project = join(this.work, "project");
  #port = 0;
  #runtime = "";
  #child: ChildProcess | undefined;

  readonly #exerciseMs: number | undefined;

  constructor(exerciseMs?: number) {
    this.#exerciseMs = exerciseMs;
  }

  async start(): Promise<void> {
    for (const folder of [this.work, this.#scratch, this.keys]) mkdirSync(folder);
    this.makeKey();
    this.#runtime = await compileRuntime(this.folder);
    this.#port = await freePort();
    this.run();
    await this.answersProbe(undefined);
  }

  /** What the init container does, whose file system the other container does not have. */
  makeKey(): void {
    const folder = mkdtempSync(join(tmpdir(), "skiff-seed-"));
    try {
      const seed = join(folder, "seed");
      writeFileSync(seed, KEYS.ours.seed);
      const files = [`--allow-read=${seed}`, `--allow-write=${this.key}`];
      execFileSync(denoPath(), ["run", "--quiet", "--no-prompt", ...files, POD_KEY, UID, seed, this.key]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  /** Starts the container, for the first time or again. */
  run(): void {
    const own = ["start.sh", "start.sh.new", "in-place"].map((file) => join(this.work, file));
    const runtime = {
      read: [this.key, this.project, ...own],
      write: [this.key, this.#bundle, this.project, ...own],
    };
    const files = {
      port: this.#port,
      key: this.key,
      verifyPublic: Buffer.from(KEYS.pods.verifyPublic).toString("base64"),
      bundle: this.#bundle,
      project: this.project,
      restart: own[0],
      inPlace: own[2],
    };
    const child = spawn("/bin/sh", [SCRIPT, ...this.#flags(DEFAULTS, runtime), this.#runtime], {
      cwd: this.#scratch,
      env: {
        PATH: `${dirname(denoPath())}:/usr/bin:/bin`,
        DENO_DIR: join(this.folder, "deno"),
        SKIFF_WORK: this.work,
        SKIFF_KEY: this.key,
        TMPDIR: this.#scratch,
        NO_COLOR: "1",
        [START_VARIABLE]: JSON.stringify({ pool: { uid: UID, ...files, exerciseMs: this.#exerciseMs } }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Buffer) => this.output.push(chunk.toString()));
    }
    this.#child = child;
  }

  call(path = "/", headers: Record<string, string> = {}): Promise<Answer> {
    return call({ host: "127.0.0.1", port: this.#port }, { path, headers });
  }

  async answersProbe(version: string | undefined): Promise<void> {
    await eventually(`it answers its probe as version ${version}`, async () => {
      const answer = await this.call(PROBE_PATH, { [PROBE_HEADER]: "1" }).catch(() => undefined);
      return answer?.status === 204 && answer.headers[VERSION_HEADER] === version;
    });
  }

  async load(
    code: string | Uint8Array,
    { settings = {}, uid = UID, keys = KEYS.ours, packs = true }: LoadChoices = {},
  ): Promise<Answer> {
    const all = { ...DEFAULTS, ...settings };
    const launch = typeof code === "string" ? undefined : launchOf(code);
    const start = {
      ...(launch === undefined ? { bundle: `file://${this.#bundle}` } : {}),
      listen: { port: this.#port },
      function: { name: "hello", version: 7 },
      // Absent unless a test sets it, as it is from an older manager.
      ...(settings.concurrency === undefined ? {} : { concurrency: settings.concurrency }),
      env: [...Object.keys(all.env), "TMPDIR"],
    };
    const message = {
      start,
      inPlace: launch === undefined && settings.env === undefined && settings.permissions === undefined,
      ...(launch === undefined ? {} : { project: this.project }),
      arguments: [
        ...this.#flags(all, { read: [], write: [] }, launch),
        ...programArguments(this.#runtime, this.#artifact(launch)),
      ],
      env: { TMPDIR: this.#scratch, ...all.env, [START_VARIABLE]: JSON.stringify(start) },
    };
    const body = await new Sealer(keys).seal(
      encodeLoad(message, packs ? gzipSync(code) : Buffer.from(code)),
      uid,
    );
    const address = { host: "127.0.0.1", port: this.#port };
    return await call(address, { method: "POST", headers: { [LOAD_HEADER]: "1" }, body });
  }

  kill(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child!;
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.kill(signal);
    return ended;
  }

  get exitCode(): number | null {
    return this.#child!.exitCode;
  }

  async close(): Promise<void> {
    if (this.#child?.exitCode === null) await this.kill("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #artifact(launch: ProjectLaunch | undefined): { path: string; project?: ProjectLaunch } {
    return launch === undefined ? { path: this.#bundle } : { path: this.project, project: launch };
  }

  #flags(settings: Settings, runtime: { read: string[]; write: string[] }, launch?: ProjectLaunch): string[] {
    const listen = { port: this.#port };
    const artifact = this.#artifact(launch);
    return denoRunArguments({
      ...{ settings, artifact, scratch: this.#scratch, listen, ownAddresses: [] },
      runtime,
    });
  }
}

interface LoadChoices {
  readonly settings?: Partial<Settings>;
  readonly uid?: string;
  readonly keys?: typeof KEYS.ours;
  readonly packs?: boolean;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries what a function must not be able to do with what was there before it. */
const CURIOUS = `
  const tried = async (work) => { try { return "got " + await work(); } catch (error) { return error.name; } };
  export default async () => ({
    env: Deno.env.toObject(),
    start: await tried(() => Deno.env.get("SKIFF_START")),
    keys: await tried(() => Deno.readTextFile(KEYS + "/own")),
    newKey: await tried(() => Deno.writeTextFile(KEYS + "/own", "mine")),
    script: await tried(() => Deno.writeTextFile(WORK + "/start.sh", "echo")),
    bundle: await tried(() => Deno.writeTextFile(WORK + "/bundle.mjs", "1")),
    read: await tried(() => Deno.readTextFile(WORK + "/start.sh")),
    run: await tried(() => new Deno.Command("sh").output()),
    private: (await Deno.permissions.query({ name: "net", host: "10.0.0.1:80" })).state,
  });`;

describe("a pod of the pool", () => {
  let pod: PoolProcess;
  beforeEach(async () => {
    pod = new PoolProcess();
    await pod.start();
  });
  afterEach(() => pod.close());

  const curious = () =>
    CURIOUS.replaceAll("KEYS", JSON.stringify(pod.keys)).replaceAll("WORK", JSON.stringify(pod.work));

  it("is ready, answers nobody, and becomes the instance of the function that it is given", async () => {
    assert.equal((await pod.call()).status, 503);
    const loaded = await pod.load(`export default (_, { function: f }) => f;`);
    assert.deepEqual([loaded.status, loaded.text], [204, ""]);
    assert.deepEqual(JSON.parse((await pod.call()).text), { name: "hello", version: 7 });
    await pod.answersProbe("7");
  });

  it("exercises the steps of a load while it waits, and never again once it has a function", async () => {
    const exercised = new PoolProcess(20);
    let writes = 0;
    try {
      await exercised.start();
      const watcher = watch(exercised.work, () => writes++);
      try {
        await eventually("it has written its file several times", () => writes > 10);
        assert.equal((await exercised.load(`export default () => "loaded";`)).status, 204);
        writes = 0;
        for (let i = 0; i < 200; i++) assert.equal((await exercised.call()).text, "loaded");
        assert.equal(writes, 0);
        assert.ok(readdirSync(exercised.work).includes("bundle.mjs"));
      } finally {
        watcher.close();
      }
    } finally {
      await exercised.close();
    }
  });

  it("takes a bundle gzipped or as it is", async () => {
    assert.equal((await pod.load(`export default () => "as it is";`, { packs: false })).status, 204);
    assert.equal((await pod.call()).text, "as it is");
  });

  for (const [what, settings, statuses] of [
    ["as many calls at a time as its load says", { concurrency: 2 }, [200, 200, 503]],
    ["all calls if its load does not say how many", {}, [200, 200, 200]],
  ] as const) {
    it(`takes ${what}`, async () => {
      const code = `export default () => new Promise((resolve) => setTimeout(() => resolve("slept"), 500));`;
      assert.equal((await pod.load(code, { settings })).status, 204);
      const answers = await Promise.all([pod.call(), pod.call(), pod.call()]);
      assert.deepEqual(answers.map(({ status }) => status).sort(), statuses);
    });
  }

  it("serves a program that serves by itself", async () => {
    assert.equal((await pod.load(`Deno.serve(() => new Response("by itself"));`)).status, 204);
    assert.equal((await pod.call()).text, "by itself");
  });

  for (const [what, settings] of [
    ["the default settings, in the process that waited", {}],
    ["settings of its own, in a process of its own", { env: { KEY: `it's "$HOME"\n` } }],
  ] as const) {
    it(`gives a function with ${what} the same sandbox as any instance`, async () => {
      const { status } = await pod.load(curious(), { settings });
      assert.equal(status, "env" in settings ? 202 : 204);
      await pod.answersProbe("7");
      const { env, ...rest } = JSON.parse((await pod.call()).text);
      assert.deepEqual(env, {
        TMPDIR: join(pod.folder, "scratch"),
        ...("env" in settings ? settings.env : {}),
      });
      assert.deepEqual(rest, {
        start: "got undefined",
        keys: "NotCapable",
        newKey: "NotCapable",
        script: "NotCapable",
        bundle: "NotCapable",
        read: "NotCapable",
        run: "NotCapable",
        private: "denied",
      });
    });
  }

  it("unpacks a project and runs its main module in a process of its own, with read access to its files alone", async () => {
    const project = packedProject({
      "main.ts": `import { answer } from "./lib.ts";
        const own: string = await Deno.readTextFile(new URL("./page.txt", import.meta.url));
        const tried = async (work: () => unknown) => { try { return "got " + await work(); } catch (error) { return (error as Error).name; } };
        const here = Deno.cwd();
        const outcomes = {
          own, answer, isMain: import.meta.main, here,
          write: await tried(() => Deno.writeTextFile(here + "/page.txt", "mine")),
          script: await tried(() => Deno.readTextFile(here + "/../start.sh")),
          start: await tried(() => Deno.env.get("SKIFF_START")),
        };
        export default () => outcomes;`,
      "lib.ts": "export const answer: number = 42;",
      "page.txt": "the page",
    });
    for (const settings of [{}, { env: { KEY: "value" } }]) {
      const again = new PoolProcess();
      try {
        await again.start();
        assert.equal((await again.load(project, { settings })).status, 202);
        await again.answersProbe("7");
        const expected = {
          ...{ own: "the page", answer: 42, isMain: true, here: again.project },
          ...{ write: "NotCapable", script: "NotCapable", start: "got undefined" },
        };
        assert.deepEqual(JSON.parse((await again.call()).text), expected);
        await again.kill("SIGTERM");
        again.run();
        await again.answersProbe("7");
        assert.deepEqual(JSON.parse((await again.call()).text), expected);
      } finally {
        await again.close();
      }
    }
  });

  it("starts Deno and nothing else, whatever the function's variables are called", async () => {
    const env = { deno: "/bin/echo", start: "x", child: "1", PATH: "/nowhere", BASH_ENV: "$(exit 1)" };
    assert.equal((await pod.load(curious(), { settings: { env } })).status, 202);
    await pod.answersProbe("7");
    const { env: seen } = JSON.parse((await pod.call()).text);
    // Deno puts a folder of its own in front.
    assert.match(seen.PATH, /(?:^|:)\/nowhere$/);
    assert.deepEqual(seen, { TMPDIR: join(pod.folder, "scratch"), ...env, PATH: seen.PATH });
  });

  it("opens what its function may reach besides", async () => {
    const permissions = { net: ["public", "10.0.0.1"], sys: ["hostname" as const] };
    assert.equal((await pod.load(curious(), { settings: { permissions } })).status, 202);
    await pod.answersProbe("7");
    assert.equal(JSON.parse((await pod.call()).text).private, "granted");
  });

  it("takes a function once, and only from who holds the key, for this pod", async () => {
    const strangers = poolKeys("another secret").ours;
    assert.equal((await pod.load("1", { keys: strangers })).status, 403);
    assert.equal((await pod.load("1", { uid: "another pod" })).status, 403);
    const unsigned = { ...KEYS.ours, signPrivate: strangers.signPrivate };
    const misled = { ...KEYS.ours, seed: strangers.seed };
    for (const keys of [unsigned, misled]) assert.equal((await pod.load("1", { keys })).status, 403);
    assert.equal((await pod.call("/", { [LOAD_HEADER]: "1" })).status, 503, "a GET loads nothing");
    const handler = `export default () => "first";`;
    const both = await Promise.all([pod.load(handler), pod.load(`export default () => "second";`)]);
    const [taken, other] = both.sort((a, b) => Number(b.status === 204) - Number(a.status === 204));
    // One that comes when the first has been taken already is a call like any other.
    assert.equal(taken!.status, 204);
    assert.match(`${other!.status} ${other!.text}`, /^(?:409 |200 (?:first|second)$)/);
    const later = await pod.load(`export default () => "later";`);
    assert.deepEqual([later.status, later.text !== "later"], [200, true], "it is a call like any other now");
  });

  it("has no file with its key when it is ready, before it accepts a function", () => {
    assert.deepEqual(readdirSync(pod.keys), []);
  });

  it("is never ready again when its container is started again before it has a function", async () => {
    await pod.kill("SIGTERM");
    pod.run();
    await eventually("it ended", () => pod.exitCode !== null);
    assert.equal(pod.exitCode, 1);
    assert.match(pod.output.join(""), /This pod has no key any more/);
  });

  it("waits again when the whole pod was made anew, with its key", async () => {
    await pod.kill("SIGTERM");
    pod.makeKey();
    pod.makeKey();
    pod.run();
    await pod.answersProbe(undefined);
    assert.deepEqual(readdirSync(pod.keys), []);
    assert.equal((await pod.load(`export default () => "loaded";`)).status, 204);
  });

  it("removes the key that a pod made anew gets, before its function runs", async () => {
    for (const settings of [{}, { env: { KEY: "value" } }]) {
      const again = new PoolProcess();
      try {
        await again.start();
        await again.load(`export default () => "loaded";`, { settings });
        await again.answersProbe("7");
        await again.kill("SIGTERM");
        again.makeKey();
        assert.deepEqual(readdirSync(again.keys), ["own"]);
        again.run();
        await again.answersProbe("7");
        assert.deepEqual(readdirSync(again.keys), []);
      } finally {
        await again.close();
      }
    }
  });

  it("is the same function when its container is started again", async () => {
    const code = `export default { fetch: () => new Response("pid " + Deno.env.get("KEY")) };`;
    for (const settings of [{}, { env: { KEY: "value" } }]) {
      const again = new PoolProcess();
      try {
        await again.start();
        await again.load(code, { settings });
        await again.answersProbe("7");
        await again.kill("SIGTERM");
        again.run();
        await again.answersProbe("7");
        assert.equal((await again.call()).text, `pid ${"env" in settings ? "value" : undefined}`);
      } finally {
        await again.close();
      }
    }
  });

  it("ends with the exit code and the last words of a function that breaks", async () => {
    await assert.rejects(pod.load(`console.log("last words"); throw new Error("no");`));
    await eventually("it ended", () => pod.exitCode !== null);
    assert.equal(pod.exitCode, 1);
    assert.match(pod.output.join(""), /last words/);
    assert.ok(existsSync(join(pod.work, "start.sh")));
  });

  it("does not start over within the container when a function exits with the code that asks for it", async () => {
    await pod.load(`export default () => Deno.exit(75);`);
    await assert.rejects(pod.call());
    await eventually("it ended", () => pod.exitCode !== null);
    assert.equal(pod.exitCode, 75);
  });

  it("lets calls and waitUntil finish on SIGTERM, and ends with 0", async () => {
    await pod.load(`
      export default async (_, context) => {
        console.log("began");
        context.waitUntil(new Promise((resolve) => setTimeout(() => resolve(console.log("done")), 200)));
        await new Promise((resolve) => setTimeout(resolve, 100));
        return "answered";
      };`);
    const answer = pod.call();
    await eventually("the call has begun", () => pod.output.join("").includes("began"));
    const code = pod.kill("SIGTERM");
    assert.equal((await answer).text, "answered");
    assert.equal(await code, 0);
    assert.match(pod.output.join(""), /done/);
  });

  it("ends at once on SIGTERM while it is of no function", async () => {
    assert.equal(await pod.kill("SIGTERM"), 0);
  });
});
