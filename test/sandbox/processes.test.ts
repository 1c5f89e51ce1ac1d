import assert from "node:assert/strict";
import { PROCESS_TOP, processAttempts, suicides } from "./attempts/process-attempts.ts";
import { type Deployed, itIsRefused, Stage } from "./stage.ts";

for (const isolation of ["auto", "permissions"] as const) {
  describe(`the process of a function, with isolation ${isolation}`, () => {
    let stage: Stage;
    let other: Deployed;
    let trial: Deployed;
    let given: Record<string, unknown>;

    before(async () => {
      stage = await Stage.open(isolation);
      const answers = { title: "answers", code: "return 'alive'", expect: /./ };
      other = await stage.deploy("other", [answers]);
      trial = await stage.deploy("trial", processAttempts, { top: PROCESS_TOP });
      given = { pid: process.pid, otherPid: other.pid, scratch: trial.scratch };
    });

    after(() => stage.close());

    itIsRefused(processAttempts, (title) => trial.run(title, given));

    for (const { title, code, expect } of suicides) {
      it(`ends nothing but itself with ${title}`, async () => {
        const mortal = await stage.deploy("mortal", [{ title, code, expect }]);
        await assert.rejects(mortal.run(title), expect);
        assert.equal(await other.run("answers"), 'returned "alive"');
      });
    }
  });
}
