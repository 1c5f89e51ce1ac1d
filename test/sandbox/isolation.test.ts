import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "../../platform/problems.ts";
import { printable } from "../../process/printable.ts";
import { eventually } from "../support/eventually.ts";
import { WASI_TOP } from "./attempts/wasi-top.ts";
import { type Attempt, type Deployed, Stage } from "./stage.ts";

const attempt = (title: string, code: string): Attempt => ({ title, code, expect: /./ });

/** Two functions of the same code; what one keeps, the other looks for. */
const ATTEMPTS = [
  attempt("answers", "return 'alive'"),
  // In a worker: the runtime takes them away only where the function starts.
  attempt(
    "keeps in the cache",
    "return inWorker(`const c = await caches.open('c'); await c.put('http://a.example/', new Response('kept')); postMessage(await (await c.match('http://a.example/')).text())`)",
  ),
  attempt(
    "looks in the cache",
    "return inWorker(`const c = await caches.open('c'); postMessage((await (await c.match('http://a.example/'))?.text()) ?? null)`)",
  ),
  attempt("keeps in the session", "sessionStorage.setItem('k', 'kept')"),
  attempt("looks in the session", "return sessionStorage.getItem('k')"),
  attempt(
    "looks for local storage",
    "return [typeof localStorage, await inWorker('postMessage(typeof localStorage)')]",
  ),
  attempt(
    "takes the lock",
    "await new Promise((taken) => { navigator.locks.request('l', () => { taken(); return new Promise(() => {}); }); })",
  ),
  attempt(
    "looks for the lock",
    "return navigator.locks.request('l', { ifAvailable: true }, (lock) => lock !== null)",
  ),
  attempt(
    "calls over the channel",
    "new BroadcastChannel('b').postMessage('called'); await new Promise((heard) => { if (calls.length > 0) heard(); else channel.addEventListener('message', heard); })",
  ),
  attempt("hears the channel", "return calls"),
  attempt("looks at the environment", "return [Deno.env.toObject(), { ...process.env }]"),
  attempt(
    "sets a variable",
    "process.env.LD_PRELOAD = 'x'; Deno.env.set('__EGL_VENDOR_LIBRARY_FILENAMES', 'x'); return Object.keys(process.env).sort()",
  ),
  attempt(
    "breaks what it can reach",
    `Promise.prototype.then = Array.prototype.push = JSON.parse = globalThis.fetch = globalThis.Response = globalThis.Request = Deno.exit = Deno.stdout.writeSync = () => { throw new Error("broken") }; return 'broken'`,
  ),
  attempt(
    "prints",
    String.raw`console.log("title \x1b]0;owned\x07 clear \x1b[2J\x9b2J back \b\b line\rover \x00 end of it")`,
  ),
];
const TOP =
  "const calls = []; const channel = new BroadcastChannel('b'); channel.onmessage = ({ data }) => calls.push(data);";

describe("two functions on one machine", () => {
  let stage: Stage;
  let one: Deployed;
  let two: Deployed;

  before(async () => {
    stage = await Stage.open();
    one = await stage.deploy("one", ATTEMPTS, { top: TOP, env: { MINE: "1" } });
    two = await stage.deploy("two", ATTEMPTS, { top: TOP, env: { MINE: "2" } });
  });

  after(() => stage.close());

  for (const [keep, look, kept, nothing] of [
    ["keeps in the session", "looks in the session", `returned "kept"`, "returned null"],
    ["takes the lock", "looks for the lock", "returned false", "returned true"],
    ["calls over the channel", "hears the channel", `returned ["called"]`, "returned []"],
  ] as const) {
    it(`share nothing: one ${keep}, and only one finds it`, async () => {
      assert.equal(await one.run(keep), "returned undefined");
      assert.equal(await one.run(look), kept);
      assert.equal(await two.run(look), nothing);
    });
  }

  it("have no cache that both could find, nor in a worker", async () => {
    const refused = /caches is not defined|Failed to create cache storage directory/;
    assert.match(await one.run("keeps in the cache"), refused);
    assert.match(await two.run("looks in the cache"), refused);
  });

  it("have no storage that outlives them, nor in a worker", async () => {
    assert.equal(await one.run("looks for local storage"), `returned ["undefined","undefined"]`);
  });

  it("see the variables that they declare, and their temporary folder, and nothing of the platform", async () => {
    const env = { MINE: "1", TMPDIR: one.scratch, HOME: one.scratch };
    const seen = JSON.parse((await one.run("looks at the environment")).slice("returned ".length));
    assert.deepEqual(seen, [env, env]);
    assert.equal(await one.run("sets a variable"), `returned ["HOME","MINE","TMPDIR"]`);
  });

  it("print what cannot steer a terminal", async () => {
    await one.run("prints");
    await eventually("the line is printed", () => stage.lines.some((line) => line.includes("end of it")));
    const shown = printable(stage.lines.filter((line) => line.startsWith("one ")).join("\n"));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    assert.match(shown, /\\x1b\]0;owned\\x07/);
  });

  it("break only themselves when they break the runtime", async () => {
    await assert.rejects(one.run("breaks what it can reach", {}, 500));
    assert.equal(await two.run("answers"), `returned "alive"`);
  });

  it("are not ready because they say so", async () => {
    const forged = `for (const word of ["ready", "0".repeat(32) + " ready", '{"ready":true}']) console.log(word);
      throw new Error("never ready")`;
    await assert.rejects(stage.publish("forger", forged), isStartFailure(/never ready/));
    assert.equal(stage.platform.endpoints("forger"), undefined);
  });

  it("are not ready when they silence the runtime or take the place of their socket", async () => {
    const own = "Deno.env.get('TMPDIR') + '/../sock'";
    const blocked = `Deno.writeTextFileSync(${own}, "mine"); export default () => "x"`;
    await assert.rejects(
      stage.publish("blocked", blocked),
      isStartFailure(/NotCapable: Requires write access to/),
    );
    assert.equal(await two.run("answers"), `returned "alive"`);
  });

  it("cannot leave a folder behind that the platform fails to remove", async () => {
    const deep = attempt(
      "digs",
      `let path = given.scratch;
      // Each half is within the longest path; one moved into the other is beyond it.
      const dig = (from) => { let p = from; while (p.length < 3_800) { p += "/" + "d".repeat(200); Deno.mkdirSync(p, { recursive: true }); } return p; };
      const bottom = dig(path + "/a"); dig(path + "/b");
      Deno.renameSync(path + "/b", bottom + "/b"); Deno.exit(0)`,
    );
    const digger = await stage.deploy("digger", [deep]);
    await assert.rejects(digger.run("digs", { scratch: digger.scratch }), /socket hang up|ECONNRESET/);
    await eventually("its folder is removed", () => !existsSync(join(digger.socket, "..")));
    assert.equal(await two.run("answers"), `returned "alive"`);
  });
});

describe("a function without a wall and without a folder to write to", () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.open("auto", []);
    writeFileSync(join(stage.dataFolder, "secret"), "not for functions");
  });
  after(() => stage.close());

  it("makes no folder of its socket while its module is loaded, and so no link in that", async () => {
    const secret = JSON.stringify(join(stage.dataFolder, "secret"));
    const top = WASI_TOP.replace('Deno.env.get("TMPDIR") ?? Deno.cwd()', 'Deno.cwd() + "/../sock"');
    const code = `${top} Deno.mkdirSync(scratch); const got = Deno.readTextFileSync(await through(${secret}));
      Deno.removeSync(scratch, { recursive: true }); export default () => got;`;
    await assert.rejects(
      stage.publish("early", code),
      isStartFailure(/NotCapable: Requires write access to/),
    );
  });
});

function isStartFailure(detail: RegExp) {
  return (error: unknown) =>
    error instanceof Problem && error.code === "start_failed" && detail.test(error.detail);
}
