import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PROCESS_TOP, processAttempts, suicides } from "./process-attempts.ts";
import { type Deployed, itIsRefused, Stage } from "./stage.ts";

describe("the process of a function", () => {
  let stage: Stage;
  let other: Deployed;
  let trial: Deployed;
  let given: Record<string, unknown>;

  before(async () => {
    stage = await Stage.open();
    const answers = { title: "answers", code: "return Deno.pid", expect: /./ };
    other = await stage.deploy("other", [answers]);
    trial = await stage.deploy("trial", processAttempts, { top: PROCESS_TOP });
    const otherPid = Number(readFileSync(join(other.socket, "..", "pid"), "utf8"));
    given = { pid: process.pid, otherPid, scratch: trial.scratch };
  });

  after(() => stage.close());

  itIsRefused(processAttempts, (title) => trial.run(title, given));

  for (const { title, code, expect } of suicides) {
    it(`ends nothing but itself with ${title}`, async () => {
      const mortal = await stage.deploy("mortal", [{ title, code, expect }]);
      await assert.rejects(mortal.run(title), expect);
      assert.equal(await other.run("answers"), `returned ${given.otherPid}`);
    });
  }
});
