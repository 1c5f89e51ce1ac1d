import assert from "node:assert/strict";
import { publish } from "../../support/platform/deploying.ts";
import { draftOf } from "../../support/platform/draft.ts";
import { FlowRig } from "../support/flow-rig.ts";

const RUNS = 500;
const DEPLOYS = 10;

describe("runs during redeploys", () => {
  const rig = new FlowRig();
  before(() => rig.listen());
  after(() => rig.close());

  it("end by the definition and the functions that they began with", async () => {
    const { promise: held, resolve: go } = Promise.withResolvers<void>();
    rig.functions.set("first", async ({ name }) => {
      await held;
      return name;
    });
    rig.functions.set("second", ({ name, body }) => `${body} ${name}`);
    const engine = await rig.start();
    const expected = new Map<string, string>();
    for (let version = 1; version <= DEPLOYS; version++) {
      await publish(rig.platform, draftOf("first", `// ${version}`));
      await publish(rig.platform, draftOf("second", `// ${version}`));
      await rig.put(
        "it",
        `
steps:
  first: {fn: first}
  second: {fn: second, with: "${version} \${ steps.first.output }", needs: [first]}
`,
      );
      const ids = await Promise.all(
        Array.from({ length: RUNS / DEPLOYS }, () => rig.begin(engine, "it", {})),
      );
      for (const id of ids) expected.set(id, `${version} first@${version} second@${version}`);
    }
    go();
    for (const [id, output] of expected) assert.equal(await rig.output(id), output);
    assert.equal(rig.received.length, 2 * RUNS);
  });
});
