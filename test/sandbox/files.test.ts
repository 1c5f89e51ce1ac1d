import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FILE_TOP, fileAttempts } from "./attempts/file-attempts.ts";
import { type Deployed, itIsRefused, Stage } from "./stage.ts";

for (const isolation of ["auto", "permissions"] as const) {
  describe(`the files of a function, with isolation ${isolation}`, () => {
    let stage: Stage;
    let trial: Deployed;
    let other: Deployed;
    let given: Record<string, unknown>;

    before(async () => {
      stage = await Stage.open(isolation);
      const data = stage.dataFolder;
      const secret = join(data, "secret");
      writeFileSync(secret, "untouched");
      other = await stage.publish("other", "export default () => 'other'");
      writeFileSync(join(other.outerScratch, "secret"), "untouched");
      trial = await stage.deploy("escape", fileAttempts, { top: FILE_TOP });
      // What exists is refused like what does not: the difference would tell what is there.
      mkdirSync(join(trial.socket, "..", "scratch-more"));
      const otherScratch = join(other.socket, "..", "scratch");
      given = { data, secret, scratch: trial.scratch, otherScratch, pid: process.pid };
    });

    after(() => stage.close());

    itIsRefused(fileAttempts, (title) => trial.run(title, given));

    it("leaves everything outside as it was", () => {
      assert.equal(readFileSync(join(stage.dataFolder, "secret"), "utf8"), "untouched");
      assert.equal(readFileSync(join(other.outerScratch, "secret"), "utf8"), "untouched");
      const names = readdirSync(stage.dataFolder, { recursive: true, encoding: "utf8" });
      assert.deepEqual(
        names.filter((name) => /escaped|copy|report/.test(name)),
        [],
      );
    });
  });
}
