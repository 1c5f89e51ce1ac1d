import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { FlowDefinition } from "../../../../platform/flows/definition/definition.ts";
import { parseFlow } from "../../../../platform/flows/definition/parse.ts";
import { Expressions } from "../../../../platform/flows/expressions/expressions.ts";
import { parseFlowTests, type TestReport, testFlow } from "../../../../platform/flows/testing/flow-tests.ts";

const ORDER = `
flow: order
steps:
  check: {fn: check-order, with: {id: "\${ input.id }"}, retry: {attempts: 3, backoff: 1s}}
  review: {approve: "Order over \${ string(input.total) }", needs: [check], if: input.total > 1000, timeout: 3d}
  auto: {else: review, fn: accept}
  charge: {fn: charge, needs: [review, auto], catch: [{on: [card_declined], then: tell}]}
  paid: {wait: {event: payments, by: event.data.order, equals: input.id, timeout: 1h}, needs: [charge]}
  pause: {wait: 10s, needs: [paid]}
  ship: {flow: shipping, needs: [pause]}
  note: {publish: shipped, needs: [ship], with: {id: "\${ input.id }"}}
  tell: {fn: tell, with: "\${ steps.charge.error.message }"}
finally:
  free: {fn: free, with: {state: "\${ run.state }"}}
output: "\${ steps.ship.output }"
`;

const EACH = `
flow: rows
steps:
  rows: {fn: row, each: input.rows, concurrency: 2, with: {n: "\${ item }"}, catch: [{output: {failed: "\${ item }"}}], retry: {attempts: 2, backoff: 1s}}
  pages: {fn: page, while: last == null || last.more, max: 10, with: "\${ last }", needs: [rows]}
`;

function flow(text: string): FlowDefinition {
  const parsed = parseFlow(text, { limits: { flowSteps: 1000, flowItems: 10_000 } });
  assert.ok(parsed.definition, JSON.stringify(parsed.faults));
  return parsed.definition;
}

function report(definition: FlowDefinition, tests: string): TestReport {
  const parsed = parseFlowTests(tests, definition);
  assert.ok("cases" in parsed, JSON.stringify(parsed));
  return testFlow(definition, parsed.cases, {
    expressions: new Expressions(),
    limits: { flowItems: 10_000, flowOutputBytes: 10_000_000 },
  });
}

function problems(definition: FlowDefinition, tests: string): readonly string[] {
  return report(definition, tests).cases.flatMap((result) => result.problems);
}

const DONE = `
    mocks:
      check: {output: {ok: true}}
      auto: {output: accepted}
      charge: {output: {id: c1}}
      paid: {output: {order: o1, amount: 10}}
      ship: {output: {parcel: p1}}
      tell: {output: null}
      free: {output: null}
`;

describe("tests of flows", () => {
  it("run the cases with mocks, and waits pass at once", () => {
    const { cases, untested } = report(
      flow(ORDER),
      `cases:
  - name: a small order
    input: {id: o1, total: 10}
${DONE}
    expect:
      state: done
      output: {parcel: p1}
      steps:
        check: {state: done, input: {id: o1}, attempts: 1, output: {ok: true}}
        review: skipped
        paid: {output: {order: o1, amount: 10}}
        ship: {input: null}
        note: {input: {id: o1}}
        tell: skipped
        free: {input: {state: done}}
  - name: a large order that a person accepts
    input: {id: o2, total: 2000}
    mocks: {check: {output: 1}, review: {output: {by: anna, comment: fine}}, charge: {output: 1}, paid: {output: 1}, ship: {output: 1}, free: {output: 1}}
    expect:
      steps: {review: {state: done, input: Order over 2000}, auto: skipped}
`,
    );
    assert.deepEqual(
      cases.map(({ name, problems }) => [name, problems]),
      [
        ["a small order", []],
        ["a large order that a person accepts", []],
      ],
    );
    assert.equal(cases[0]!.tookMs, 10_000);
    assert.deepEqual(untested, ["tell"]);
  });

  it("retry, catch, refuse and time out", () => {
    const found = problems(
      flow(ORDER),
      `cases:
  - name: retries
    input: {id: o1, total: 10}
    mocks: {check: [{error: {status: 503}}, {error: {type: timeout}}, {error: {status: 503}}], free: {output: 1}}
    expect:
      state: failed
      error: {step: check, type: server_error, status: 503}
      steps: {check: {state: failed, attempts: 3}, auto: pending, free: {input: {state: failed}}}
  - name: a declined card
    input: {id: o1, total: 10}
    mocks: {check: {output: 1}, auto: {output: 1}, charge: {error: {type: card_declined, status: 402, message: No.}}, tell: {output: 1}, free: {output: 1}}
    expect:
      state: done
      steps: {charge: {state: caught, error: card_declined}, tell: {input: No.}, ship: skipped}
  - name: a refusal
    input: {id: o1, total: 5000}
    mocks: {check: {output: 1}, review: {error: {type: rejected, message: too much}}, free: {output: 1}}
    expect: {state: failed, error: {step: review, type: rejected, message: "test refused: too much"}}
  - name: nobody pays
    input: {id: o1, total: 1}
    mocks: {check: {output: 1}, auto: {output: 1}, charge: {output: 1}, free: {output: 1}}
    expect: {state: failed, error: {step: paid, type: timeout}}
  - name: nobody decides
    input: {id: o1, total: 5000}
    mocks: {check: {output: 1}, free: {output: 1}}
    expect: {state: failed, error: {step: review, type: timeout}}
  - name: a cancelled run
    input: {id: o1, total: 5000}
    cancelAfter: 1d
    mocks: {check: {output: 1}, free: {output: 1}}
    expect: {state: cancelled, steps: {review: cancelled, free: {input: {state: cancelled}}}}
`,
    );
    assert.deepEqual(found, []);
  });

  it("have mocks for items, attempts and iterations, with expressions", () => {
    const found = problems(
      flow(EACH),
      `cases:
  - name: items
    input: {rows: [1, 2, 3]}
    mocks:
      rows: [{output: {twice: "\${ input.n * 2 }", at: "\${ index }"}}, {error: {status: 400}}, {output: {twice: "\${ input.n * 2 }"}}]
      pages: [{output: {more: true}}, {output: {more: true, n: "\${ input.more }"}}, {output: {more: false}}]
    expect:
      state: done
      steps:
        rows: {attempts: 3, output: [{twice: 2, at: 0}, {failed: 2}, {twice: 6}]}
        pages: {attempts: 3, output: {more: false}}
`,
    );
    assert.deepEqual(found, []);
  });

  it("say how a run differs from what is expected", () => {
    const found = problems(
      flow(EACH),
      `cases:
  - name: differs
    input: {rows: [1]}
    mocks: {rows: {output: {a: [1, 2], b: x}}, pages: {output: {more: false}}}
    expect:
      state: failed
      output: {more: true, extra: 1}
      error: {type: timeout}
      steps:
        rows: {state: skipped, attempts: 2, input: {n: 2}, output: [{a: [1, 3], c: 1}]}
`,
    );
    assert.deepEqual(found, [
      "The run is done, not failed.",
      "output.more is false, not true.",
      "output.extra is absent, not 1.",
      'There is no error, and {"type":"timeout"} was expected.',
      "steps.rows is done, not skipped.",
      "steps.rows had 1 attempts, not 2.",
      "steps.rows.input.n is 1, not 2.",
      "steps.rows.output[0].a[1] is 2, not 3.",
      "steps.rows.output[0].c is absent, not 1.",
      'steps.rows.output[0].b is "x", and nothing was expected.',
    ]);
  });

  it("say which step has no mock", () => {
    assert.deepEqual(problems(flow(EACH), "cases: [{input: {rows: [1]}, expect: {state: done}}]"), [
      "Step `rows` was called and has no mock: write `mocks: {rows: {output: …}}`.",
    ]);
  });

  it("say which expression of a mock fails", () => {
    const [problem] = problems(
      flow(EACH),
      'cases: [{input: {rows: [1]}, mocks: {rows: {output: "${ inpt.n }"}}, expect: {state: done}}]',
    );
    assert.match(
      problem!,
      /^The mock of step `rows`: The expression `inpt\.n` failed: There is no variable `inpt`/,
    );
  });

  it("pass as the page of flows has them", () => {
    const page = readFileSync(new URL("../../../../docs/flows.md", import.meta.url), "utf8");
    const [, order] = /cat > order\.yaml <<'END'\n([\s\S]*?)\nEND\n/.exec(page)!;
    const [, tests] = /```yaml\n(cases:\n[\s\S]*?)```/.exec(page)!;
    const { cases, untested } = report(flow(order!), tests!);
    assert.deepEqual(
      cases.flatMap(({ problems }) => problems),
      [],
    );
    assert.equal(cases.length, 2);
    assert.deepEqual(untested, []);
  });

  it("are refused with line and column", () => {
    const text = `cases:
  - name: wrong
    inputs: {}
    mocks: {rws: {output: 1}, rows: {}, pages: {error: {}}}
    expect: {state: dne, steps: {rows: {attempts: x}}}
  - {}
`;
    const parsed = parseFlowTests(text, flow(EACH));
    assert.ok("faults" in parsed);
    assert.deepEqual(
      parsed.faults.map(({ line, message }) => `${line}: ${message}`),
      [
        "3: Unknown key `inputs`. Did you mean `input`?",
        "4: The flow has no step `rws`. Did you mean `rows`?",
        "4: A mock has either `output` or `error`.",
        "4: An error has a `status`, such as 503, or a `type`, such as `timeout`.",
        "5: `attempts` is a whole number.",
        "5: `state` is `dne`: use done, failed, cancelled.",
        "6: The case expects nothing: write `expect: {state: done}`.",
      ],
    );
    assert.ok("faults" in parseFlowTests("cases: [", flow(EACH)));
    assert.ok("faults" in parseFlowTests("cases: {}", flow(EACH)));
  });
});
