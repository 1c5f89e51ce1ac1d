import assert from "node:assert/strict";
import { flowOfSpec } from "../../../platform/flows/definition/parse.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";

const options = { name: "order", limits: limitsFromEnv({}) };
/** As `kubectl` sends `on:`. */
const ON = "true";

describe("the spec of a flow that kubectl read", () => {
  it("has the keys on that it wrote as true", () => {
    const { definition, faults } = flowOfSpec(
      {
        [ON]: { http: { path: "/new" } },
        steps: {
          check: {
            fn: "check",
            retry: { attempts: 2, [ON]: ["5xx"] },
            catch: [{ [ON]: ["404"], output: null }],
          },
        },
        finally: { free: { fn: "free", retry: { [ON]: ["503"] } } },
      },
      options,
    );
    assert.equal(faults, undefined);
    assert.equal(definition!.on.http!.path, "/new");
    assert.deepEqual(definition!.steps.check!.retry!.on, ["5xx"]);
    assert.deepEqual(definition!.steps.check!.catch[0]!.on, ["404"]);
    assert.deepEqual(definition!.finally.free!.retry!.on, ["503"]);
  });

  it("keeps the key true of anything else", () => {
    const { definition } = flowOfSpec({ steps: { check: { fn: "check", with: { [ON]: 1 } } } }, options);
    assert.deepEqual(definition!.steps.check!.with, { [ON]: 1 });
    const both = flowOfSpec({ on: {}, [ON]: {}, steps: { check: { fn: "check" } } }, options);
    assert.match(both.faults![0]!.message, /true/);
  });

  it("is left alone in a text, which Skiff reads itself", () => {
    const { faults } = flowOfSpec(
      { source: 'true: { http: true }\nsteps: { check: { fn: "check" } }' },
      options,
    );
    assert.match(faults![0]!.message, /true/);
  });
});
