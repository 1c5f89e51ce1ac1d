import assert from "node:assert/strict";
import { request } from "node:http";
import type { WallKind } from "../../platform/local/wall/profile.ts";
import { needsWall } from "../support/skiff/walls.ts";
import { LINK_TOP } from "./attempts/link-attempts.ts";
import { type Attempt, type Deployed, Stage } from "./stage.ts";

const attempt = (title: string, code: string): Attempt => ({ title, code, expect: /./ });
const ATTEMPTS = [
  attempt("answers", "return 'alive'"),
  attempt(
    "replaces",
    "const work = await linkTo('..'); Deno.removeSync(work + '/sock'); Deno.renameSync(await linkTo(given.other), work + '/sock'); return 'replaced'",
  ),
  attempt(
    "fills bytes",
    "const chunk = new Uint8Array(1 << 20); const f = Deno.openSync(scratch + '/big', { create: true, write: true }); try { for (let i = 0; i < 2000; i++) f.writeSync(chunk); return 'no end'; } finally { f.close(); Deno.removeSync(scratch + '/big'); }",
  ),
  attempt(
    "fills files",
    "for (let i = 0; i < 100_000; i++) Deno.createSync(scratch + '/' + i).close(); return 'no end'",
  ),
  attempt(
    "spoils its cache",
    "for (const name of ['v8_code_cache_v2', 'dep_analysis_cache_v2', 'node_analysis_cache_v2']) try { Deno.writeTextFileSync(await linkTo('/work/deno/' + name), 'x'.repeat(99)) } catch (error) { return String(error) } return 'spoiled'",
  ),
];

for (const kind of ["bwrap", "unshare", "bwrap-plain"] satisfies WallKind[]) {
  describe(`a wall of the kind ${kind}`, () => {
    let stage: Stage | undefined;
    const before = process.umask();
    after(async () => {
      process.umask(before);
      await stage?.close();
    });

    it("holds an instance whatever the mask of the process is that makes it", async function () {
      needsWall(this, kind);
      // As the program sets it: instances have users of their own all the same.
      process.umask(0o077);
      stage = await Stage.open("wall", [kind]);
      const trial = await stage.publish("masked", "export default () => 'alive'");
      assert.equal(await textOf(trial.socket), "alive");
    });
  });

  describe(`what a function does with its own folder, behind ${kind}`, () => {
    let stage: Stage;
    let trial: Deployed;
    let other: Deployed;
    before(async function () {
      needsWall(this, kind);
      stage = await Stage.open("wall", [kind]);
      other = await stage.publish("other", "export default () => 'other'");
      // More than the folder may hold: what is in it counts as memory.
      trial = await stage.deploy("trial", ATTEMPTS, { top: LINK_TOP, memoryMiB: 1_024 });
    });
    after(() => stage?.close());

    it("spoils nothing for others when it writes to Deno's cache", async () => {
      assert.match(await trial.run("spoils its cache"), /^returned /);
      const next = await stage.publish("next", "export default () => 'next'");
      assert.equal(await textOf(next.socket), "next");
    });

    it("is still the one that is called when a link to another's socket stands in the place of its own", async () => {
      const outcome = await trial.run("replaces", { other: other.socket });
      // Links are followed behind the plain wall alone.
      assert.match(outcome, kind === "bwrap-plain" ? /^returned "replaced"$/ : /^FilesystemLoop: /);
      assert.equal(await trial.run("answers"), 'returned "alive"');
    });

    it("reaches an end when it fills it with bytes", async () => {
      assert.match(await trial.run("fills bytes"), /No space left|ENOSPC|StorageFull|quota/i);
      assert.equal(await trial.run("answers"), 'returned "alive"');
    });

    if (kind !== "bwrap-plain") {
      it("reaches an end when it fills it with files", async () => {
        assert.match(await trial.run("fills files"), /No space left|ENOSPC|StorageFull/i);
        assert.equal(await trial.run("answers"), 'returned "alive"');
      });
    }
  });
}

function textOf(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, agent: false, signal: AbortSignal.timeout(5_000) },
      async (response) => {
        let text = "";
        for await (const chunk of response) text += chunk;
        resolve(text);
      },
    );
    call.on("error", reject).end();
  });
}
