import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FILE_TOP, fileAttempts } from "./file-attempts.ts";
import { type Deployed, itIsRefused, Stage } from "./stage.ts";

describe("the files of a function", () => {
  let stage: Stage;
  let trial: Deployed;
  let given: Record<string, unknown>;

  before(async () => {
    stage = new Stage();
    const data = stage.dataFolder;
    const secret = join(data, "secret");
    writeFileSync(secret, "untouched");
    const other = await stage.publish("other", "export default () => 'other'");
    writeFileSync(join(other.scratch, "secret"), "untouched");
    trial = await stage.deploy("escape", fileAttempts, { top: FILE_TOP });
    // What exists is refused like what does not: the difference would tell what is there.
    mkdirSync(`${trial.scratch}-more`);
    given = { data, secret, scratch: trial.scratch, otherScratch: other.scratch, pid: process.pid };
  });

  after(() => stage.close());

  itIsRefused(fileAttempts, (title) => trial.run(title, given));

  it("leaves everything outside as it was", () => {
    assert.equal(readFileSync(join(stage.dataFolder, "secret"), "utf8"), "untouched");
    assert.equal(readFileSync(join(given.otherScratch as string, "secret"), "utf8"), "untouched");
    const names = readdirSync(stage.dataFolder, { recursive: true, encoding: "utf8" });
    assert.deepEqual(
      names.filter((name) => /escaped|copy|report/.test(name)),
      [],
    );
  });
});
