import assert from "node:assert/strict";
import { call } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("what a function finds around it", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  async function resultOf(code: string, env: Record<string, string> = {}): Promise<unknown> {
    const { address } = await local.run(`import process from "node:process"; export default ${code};`, {
      env,
    });
    const { status, text } = await call(address);
    assert.equal(status, 200, local.log);
    return JSON.parse(text);
  }

  it("is an environment of what it declares, TMPDIR and HOME", async () => {
    process.env.SKIFF_TEST_SECRET = "s3cret";
    try {
      const env = { GREETING: "hü = 1\n2", NO_COLOR: "0", EMPTY: "" };
      const seen = (await resultOf("() => Deno.env.toObject()", env)) as Record<string, string>;
      assert.deepEqual(seen, { ...env, TMPDIR: seen.TMPDIR, HOME: seen.TMPDIR });
    } finally {
      delete process.env.SKIFF_TEST_SECRET;
    }
  });

  it("has the values of secrets as they are, also large ones and one named HOME", async () => {
    const odd = "a'b\"$(x) `y` \\ ü€😀\n\t\r end";
    const values: Record<string, string> = { TOKEN: odd, HOME: "/of-a-secret" };
    for (let i = 0; i < 10; i++) values[`LARGE_${i}`] = `${i}`.repeat(64 * 1024);
    const secrets: Record<string, { secret: string; version: number }> = {};
    for (const [variable, value] of Object.entries(values)) {
      const secret = `of-${variable.toLowerCase().replaceAll("_", "-")}`;
      const { version } = await local.platform.secrets.put(secret, { value });
      secrets[variable] = { secret, version };
    }
    const code = "export default () => Deno.env.toObject();";
    const { address } = await local.run(code, { env: { PLAIN: "p" }, secrets });
    const { TMPDIR, ...seen } = JSON.parse((await call(address)).text);
    assert.deepEqual(seen, { ...values, PLAIN: "p" });
    const taken =
      "export default { fetch: (_, env) => [env.TOKEN, process.env.TOKEN, Deno.env.get('TOKEN')] };";
    const { address: second } = await local.run(taken, { secrets: { TOKEN: secrets.TOKEN! } });
    assert.deepEqual(JSON.parse((await call(second)).text), [odd, odd, odd]);
  });

  it("gives undefined for variables that are not declared, also Node's, without an error", async () => {
    const code = `() => ["X", "NODE_ENV", "PATH", "DENO_DIR", "SKIFF_TOKEN"].map((name) =>
      [Deno.env.get(name) ?? 0, process.env[name] ?? 0])`;
    assert.deepEqual(await resultOf(code), Array(5).fill([0, 0]));
  });

  it("has the scratch folder as home, without a permission, and a home of its own where it declares one", async () => {
    const code = `async () => {
      const { homedir } = await import("node:os");
      return [Deno.env.get("HOME") === Deno.env.get("TMPDIR"), homedir() === Deno.env.get("HOME"), homedir()];
    }`;
    assert.deepEqual(((await resultOf(code)) as unknown[]).slice(0, 2), [true, true]);
    assert.deepEqual(await resultOf(code, { HOME: "/elsewhere" }), [false, true, "/elsewhere"]);
  });

  it("finds no file where it may not read, instead of an error", async () => {
    const code = `async () => {
      const { default: fs } = await import("node:fs");
      return [fs.existsSync("/etc/passwd"), fs.existsSync("/"), fs.existsSync(Deno.env.get("TMPDIR"))];
    }`;
    assert.deepEqual(await resultOf(code), [false, false, true]);
  });

  it("has a umask that it may read", async () => {
    assert.deepEqual(await resultOf("() => [process.umask(), process.umask(0)]"), [0o022, 0o022]);
  });

  it("is a scratch folder of its own that it can write and read, under TMPDIR and as working folder", async () => {
    const code = `async () => {
      const folder = Deno.env.get("TMPDIR");
      await Deno.writeTextFile(folder + "/a", "kept");
      await Deno.mkdir(folder + "/b");
      const made = await Deno.makeTempFile();
      return [await Deno.readTextFile("a"), made.startsWith(folder), Deno.cwd() === folder];
    }`;
    assert.deepEqual(await resultOf(code), ["kept", true, true]);
  });

  it("has no storage that it would share with other functions, not in a worker either", async () => {
    const code = `async () => {
      const work = \`
        caches.open("shared").then((cache) => cache.put("http://x.example/", new Response("left behind")))
          .then(() => postMessage("stored"), () => postMessage("refused"));\`;
      const worker = new Worker("data:text/javascript," + encodeURIComponent(work), { type: "module" });
      const inWorker = await new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
      return [typeof localStorage, inWorker];
    }`;
    assert.deepEqual(await resultOf(code), ["undefined", "refused"]);
  });

  it("has no way to its own socket, its bundle's folder or the platform's data", async () => {
    const paths = ["../sock", "../pid", import.meta.filename, `${local.dataFolder}/skiff.db`];
    const code = `async () => {
      const refused = [];
      for (const path of ${JSON.stringify(paths)}) {
        for (const open of [Deno.readFile, Deno.remove, (path) => Deno.connect({ transport: "unix", path })]) {
          refused.push(await open(path).then(() => "allowed", (error) => error.name));
        }
      }
      return refused;
    }`;
    assert.deepEqual(await resultOf(code), Array(paths.length * 3).fill("NotCapable"));
  });
});
