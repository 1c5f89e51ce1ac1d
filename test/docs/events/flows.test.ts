import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { load } from "js-yaml";
import { flowOfSpec, parseFlow } from "../../../platform/flows/definition/parse.ts";
import { KEYS } from "../../../platform/flows/definition/reading/keys.ts";
import { MACRO_NAMES } from "../../../platform/flows/expressions/evaluation/macros.ts";
import { Expressions } from "../../../platform/flows/expressions/expressions.ts";
import { FUNCTIONS, METHODS } from "../../../platform/flows/expressions/functions/functions.ts";
import { ENDED_STATES, LIVE_STATES } from "../../../platform/flows/run/error.ts";
import { parseFlowTests, testFlow } from "../../../platform/flows/testing/flow-tests.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { documentRunner } from "../../support/skiff/document-runner.ts";

const TEXT = readFileSync(new URL("../../../docs/flows.md", import.meta.url), "utf8");
const options = { name: "order", limits: limitsFromEnv({}) };
const yaml = [...TEXT.matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text]) => text!);
const isCases = (text: string) => text.startsWith("cases:");
const blocks = yaml.filter((text) => !isCases(text));
/** The steps that parts of a flow on the page leave out. */
const STEPS = "steps: { check: { fn: check } }\n";

describe("docs/flows.md", () => {
  const run = documentRunner("docs/flows.md");

  it("has commands that work", async () => {
    const { outputOf } = await run();
    assert.match(outputOf("order.yaml"), /\{"receipt":"r-17","shelf":4\}$/);
    assert.match(outputOf("rows.yaml"), /\{"rows":\[10,20,null,40\],"pages":2\}$/);
    assert.match(outputOf("expense.yaml"), /"state":"done"/);
    assert.match(outputOf("run?state=done"), /"state":"done"/);
    assert.match(outputOf("/rollback"), /^-output: .*shelf/m);
  });
  it("has texts that are valid flows", () => {
    assert.ok(blocks.length > 4);
    for (const text of blocks) {
      const { faults } = text.includes("kind: Flow")
        ? flowOfSpec((load(text) as { spec: Record<string, unknown> }).spec, options)
        : parseFlow(/^steps:/m.test(text) ? text : `${text}${STEPS}`, options);
      assert.deepEqual(faults, undefined, text);
    }
  });

  it("has tests that the flow of the page passes", () => {
    const [, text = ""] = /^cat > order\.yaml <<'END'\n([\s\S]*?)^END$/m.exec(TEXT) ?? [];
    const { definition } = parseFlow(text, options);
    const [cases = ""] = yaml.filter(isCases);
    const parsed = parseFlowTests(cases, definition!);
    assert.ok("cases" in parsed && parsed.cases.length > 1, JSON.stringify(parsed));
    const { cases: results } = testFlow(definition!, parsed.cases, {
      ...options,
      expressions: new Expressions(),
    });
    assert.deepEqual(
      results.flatMap(({ problems }) => problems),
      [],
    );
  });

  it("names every key, every function of expressions and every state", () => {
    const named = new Set(TEXT.match(/\w+/g));
    const words = {
      keys: Object.values(KEYS).flat(),
      functions: [...Object.keys({ ...FUNCTIONS, ...METHODS }), ...MACRO_NAMES],
      states: [...LIVE_STATES, ...ENDED_STATES],
    };
    for (const [what, all] of Object.entries(words)) {
      assert.deepEqual(
        all.filter((word) => !named.has(word)),
        [],
        what,
      );
    }
  });
});
