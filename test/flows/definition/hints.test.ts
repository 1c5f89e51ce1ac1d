import assert from "node:assert/strict";
import { hintFor } from "../../../platform/flows/expressions/hints.ts";
import { threadMs } from "../../support/processor/thread-time.ts";
import { faultsOf, faultsOfSteps } from "./parsing.ts";

/** The steps have one fault, which matches. */
function assertHint(steps: readonly string[], fault: RegExp): void {
  const faults = faultsOfSteps(...steps);
  assert.equal(faults.length, 1, faults.join("\n"));
  assert.match(faults[0]!, fault);
}

describe("hints for words of other languages", () => {
  it("name the action and the option that other tools call so", () => {
    for (const [given, meant] of [
      ...["func", "function", "run", "uses", "call"].map((word) => [word, "fn"]),
      ...[["sleep", "wait"] as const, ["emit", "publish"] as const, ["workflow", "flow"] as const],
    ]) {
      assertHint(
        [`a: {${given}: x}`],
        new RegExp(`^2:7 Unknown key "steps\\.a\\.${given}"\\. Did you mean "${meant}"\\?`),
      );
    }
    for (const [given, meant] of [
      ...[["retries", "retry"] as const, ["depends_on", "needs"] as const, ["dependsOn", "needs"] as const],
      ...[["when", "if"] as const, ["forEach", "each"] as const, ["input", "with"] as const],
    ]) {
      assertHint(
        [`a: {fn: x, ${given}: 3}`],
        new RegExp(`"steps\\.a\\.${given}"\\. Did you mean "${meant}"\\?`),
      );
    }
    assert.match(faultsOfSteps("a: {fn: x, retry: {input: 1}}")[0]!, /"steps\.a\.retry\.input"\. Known:/);
  });

  it("name the key on, which YAML 1.1 reads as true", () => {
    const [fault, ...more] = faultsOf('true: {cron: "0 3 * * *"}\nsteps: {a: {fn: a}}\n');
    assert.match(fault!, /^1:1 The key "true" is how YAML 1\.1 reads on: quote it, as in "on":/);
    assert.deepEqual(more, []);
  });

  it("name the operators", () => {
    assertHint(["a: {fn: a, if: input.x and input.y}"], /^2:26 steps\.a\.if: Write `&&` instead of `and`\.$/);
    assertHint(["a: {fn: a, if: 'input.x == \"or\" or input.y'}"], /^2:35 .*Write `\|\|` instead of `or`\.$/);
    assertHint(["a: {fn: a, if: not input.x}"], /^2:18 .*Write `!` instead of `not`\.$/);
    assertHint(["a: {fn: a, if: input.x === 1}"], /^2:26 .*Write `==` instead of `===`\.$/);
    assert.deepEqual(faultsOfSteps("a: {fn: a, if: 'input.and == \"x and y\"'}"), []);
  });

  it("say that an expression has one brace", () => {
    assertHint(['a: {fn: a, with: "${{ input.x }}"}'], /^2:23 .*Write `\$\{ input\.x \}`, with one brace\.$/);
    assertHint(['a: {fn: a, if: "${{ input.x }}"}'], /Write `\$\{ input\.x \}`, with one brace\.$/);
    assert.deepEqual(faultsOfSteps("a: {fn: a, with: \"${{'a': input.x}}\"}"), []);
  });

  it("are found in time for expressions full of quotation marks", () => {
    const text = '"\\'.repeat(8_192);
    const startMs = threadMs();
    for (let n = 0; n < 400; n++)
      assert.equal(
        hintFor(text, () => false),
        undefined,
      );
    // Going back for each mark took 16 s.
    const tookMs = threadMs() - startMs;
    assert.ok(tookMs < 5_000, `${tookMs} ms`);
  });

  it("say how a time is written", () => {
    assertHint(
      ['a: {wait: {until: "2026-12-01T00:00:00Z"}}'],
      /Write `timestamp\("2026-12-01T00:00:00Z"\)`\.$/,
    );
  });
});

describe("expressions that read steps too early", () => {
  const read = (name: string) => `with: "\${ steps.${name}.output }"`;
  it("are not to be mended by needs that make a circle", () => {
    assertHint(
      [`a: {fn: a, ${read("b")}}`, "m: {fn: m, needs: [a]}", "b: {fn: b, needs: [m]}"],
      /^2:30 steps\.a\.with: Step `b` comes after this one, so that it has no output here\. Read it in a step that needs `b`\.$/,
    );
    assertHint(
      [`a: {fn: a, ${read("a")}}`],
      /Step `a` is this one, which has no output yet\. `last` is that of the iteration before, with `while`\.$/,
    );
    assertHint([`a: {fn: a, ${read("b")}}`, "b: {fn: b}"], /Add it to `needs`\.$/);
  });
});

describe("waits that are longer than a run", () => {
  it("are faults that say what to do", () => {
    assert.deepEqual(faultsOfSteps("w: {wait: 300d}"), [
      "2:13 steps.w.wait is longer than a run may take, 30d by default: use less, or give the flow a longer timeout, such as timeout: 300d.",
    ]);
    const all = faultsOf(`timeout: 1h
steps:
  a: {wait: {for: 2h}}
  b: {approve: Go?, timeout: 1d}
  c: {flow: f2, timeout: 61m}
  d: {wait: {event: t, by: event.data.a, equals: input.a, timeout: 90m}}
  e: {wait: {event: t, by: event.data.a, equals: input.a}, timeout: 1h}
  f: {approve: Go?}
  g: {fn: a, timeout: 2h}
finally:
  z: {wait: 2h}
`);
    assert.deepEqual(
      all.map((fault) => fault.replace(/ is longer than a run may take, 1h: use less, .* such as /, " ")),
      [
        "3:19 steps.a.wait.for timeout: 2h.",
        "4:30 steps.b.timeout timeout: 1d.",
        "5:26 steps.c.timeout timeout: 61m.",
        "6:68 steps.d.wait.timeout timeout: 90m.",
      ],
    );
    assert.deepEqual(faultsOf("timeout: 365d\nsteps: {w: {wait: 365d}}"), []);
  });
});
