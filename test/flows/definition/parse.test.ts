import assert from "node:assert/strict";
import { parseFlow } from "../../../platform/flows/definition/parse.ts";
import { definitionOf, faultsOf, faultsOfSteps, flowFaults, OPTIONS } from "./parsing.ts";

const ORDER = `# Comments are kept in the source.
flow: order
description: Takes an order
on:
  http: {path: /orders, respond: answer, access: public}
  topic: orders
  cron: "0 3 * * *"
input: {type: object, required: [id], properties: {id: {type: string}, total: {type: number}}}
timeout: 1h
steps:
  check: {fn: check-order, with: {id: "\${ input.id }"}, retry: {attempts: 3, backoff: 1s}, timeout: 10s}
  review: {approve: "Order over \${ string(input.total) }", needs: [check], if: input.total > 1000, timeout: 30m}
  auto: {else: review, fn: accept}
  charge: {fn: charge@3, needs: [review, auto], catch: [{on: [card_declined, 402, 5xx], then: tell}]}
  reserve: {fn: {name: reserve, method: PUT, path: "/items/\${ input.id }", headers: {x-a: b}}, needs: [review, auto]}
  rows: {fn: row, each: "\${ steps.check.output.rows }", concurrency: 20, with: {row: "\${ item }"}, catch: [{output: {failed: "\${ item }"}}], needs: check}
  page: {fn: next-page, while: last == null || last.more, max: 100, with: "\${ last }"}
  paid: {wait: {event: payments, by: event.data.order, equals: input.id, timeout: 1h}, needs: [charge]}
  pause: {wait: 10s, needs: [paid]}
  ship: {flow: shipping, needs: [reserve, pause]}
  note: {publish: shipped, with: {id: "\${ input.id }"}, needs: [ship]}
  thumb: {exec: {image: host, cmd: [convert, "-", "png:-"], env: {A: b}}, needs: [check]}
  ping: {http: "https://example.com/x", needs: [ship]}
  tell: {fn: tell, with: "\${ steps.charge.error.message }"}
  answer: {fn: answer, needs: [ship]}
finally:
  free: {fn: free, with: {state: "\${ run.state }"}}
output: "\${ steps.ship.output }"
`;

/** The only fault of a step with these members. */
function faultOf(members: string): string {
  const faults = faultsOfSteps(`a: {${members}}`);
  assert.equal(faults.length, 1, faults.join("\n"));
  return faults[0]!;
}

describe("parseFlow", () => {
  it("makes the long form of every short one", () => {
    const { steps, on, ...flow } = definitionOf(ORDER, "order");
    assert.equal(flow.flow, "order");
    assert.equal(flow.timeoutMs, 3_600_000);
    assert.deepEqual(on, {
      http: { path: "/orders", methods: ["POST"], access: "public", respond: "answer", waitMs: 30_000 },
      topics: [{ topic: "orders" }],
      crons: [{ cron: "0 3 * * *" }],
    });
    assert.deepEqual(steps.check, {
      action: { kind: "fn", function: "check-order", method: "POST", path: "/", headers: {} },
      needs: [],
      concurrency: 10,
      with: { id: "${ input.id }" },
      retry: { attempts: 3, backoffMs: 1_000 },
      timeoutMs: 10_000,
      catch: [],
    });
    assert.deepEqual(steps.charge!.action, {
      kind: "fn",
      function: "charge",
      version: 3,
      method: "POST",
      path: "/",
      headers: {},
    });
    assert.deepEqual(steps.charge!.catch, [{ on: ["card_declined", "402", "5xx"], then: "tell" }]);
    assert.deepEqual(steps.rows!.needs, ["check"]);
    assert.equal(steps.rows!.each, "steps.check.output.rows");
    assert.deepEqual(steps.paid!.action, {
      kind: "event",
      topic: "payments",
      by: "event.data.order",
      equals: "input.id",
    });
    assert.equal(steps.paid!.timeoutMs, 3_600_000);
    assert.deepEqual(steps.pause!.action, { kind: "wait", forMs: 10_000 });
    assert.deepEqual(steps.note!.action, {
      kind: "publish",
      topic: "shipped",
      type: "dev.skiff.flow",
      attributes: {},
    });
    assert.deepEqual(steps.ping!.action, {
      kind: "http",
      url: "https://example.com/x",
      method: "GET",
      headers: {},
    });
    assert.deepEqual(Object.keys(flow.finally), ["free"]);
  });

  it("reads the same of JSON, indented by tabs", () => {
    const definition = definitionOf(ORDER, "order");
    const text = JSON.stringify({ steps: { a: { fn: "a" } }, on: { http: true } }, null, "\t");
    assert.deepEqual(definitionOf(text, "f"), definitionOf("flow: f\nsteps: {a: {fn: a}}\non: {http: true}"));
    assert.deepEqual(JSON.parse(JSON.stringify(definition)), definition);
  });

  it("takes the name of the declaration, which the text must not contradict", () => {
    assert.equal(definitionOf("steps: {a: {fn: a}}", "f").flow, "f");
    assert.deepEqual(faultsOf("flow: g\nsteps: {a: {fn: a}}"), [
      '1:7 flow is "g", but the flow is stored as "f": use one name, or remove the key.',
    ]);
    const { faults } = parseFlow("steps: {a: {fn: a}}", OPTIONS);
    assert.equal(faults?.[0]?.message, "The flow has no name: add one, such as flow: order.");
  });

  it("says which key was meant, at its line and column", () => {
    const text = "steps:\n  a:\n    fn: a\n    retry: {atempts: 3}\n  b: {fn: b, need: [a]}\ntimout: 1h\n";
    const faults = flowFaults(text);
    assert.deepEqual(faults[0], {
      message:
        'Unknown key "steps.a.retry.atempts". Did you mean "attempts"? Known: attempts, backoff, maxAge, on.',
      line: 4,
      column: 13,
      lineText: "    retry: {atempts: 3}",
      pointer: "/steps/a/retry/atempts",
    });
    assert.match(faults[1]!.message, /Unknown key "steps.b.need". Did you mean "needs"\?/);
    assert.deepEqual([faults[1]!.line, faults[1]!.column], [5, 14]);
    assert.match(faults[2]!.message, /Unknown key "timout". Did you mean "timeout"\?/);
    assert.equal(faults.length, 3);
  });

  it("refuses steps without an action, and with two", () => {
    assert.equal(
      faultOf("needs: []"),
      "2:3 steps.a has no action: name one of fn, http, publish, exec, flow, wait, approve.",
    );
    assert.equal(
      faultOf("fn: a, http: 'https://example.com/'"),
      "2:14 steps.a has two actions, fn and http: keep one, and make the other a step that needs it.",
    );
  });

  it("names the value that is wrong and what to use", () => {
    assert.match(faultOf("fn: Charge"), /^2:11 steps.a.fn is "Charge": use the name of a function/);
    assert.match(
      faultOf("fn: a, timeout: 30"),
      /^2:23 steps.a.timeout is 30: use a duration from 1ms to 1d, such as 30s\.$/,
    );
    assert.match(faultOf("fn: a, timeout: 2d"), /use a duration from 1ms to 1d/);
    assert.match(
      faultOf("wait: 400d"),
      /steps.a.wait is "400d": use a duration from 1ms to 365d, such as 10s/,
    );
    assert.match(
      faultOf("fn: a, needs:"),
      /steps.a.needs has no value: use the name of a step, or remove it\./,
    );
    assert.match(
      faultOf("fn: a, retry: {attempts: 0}"),
      /steps.a.retry.attempts is 0: use a whole number from 1 to 100/,
    );
    assert.match(
      faultOf("fn: a, retry: {on: [3xx]}"),
      /steps.a.retry.on.0 is "3xx": use a status from 400 to 599/,
    );
    assert.match(faultOf("approve: {by: [token]}"), /steps.a.approve has no question: add message/);
    assert.match(faultOf("approve: {message: Go?, by: []}"), /approve.by is empty, so nobody could decide/);
    assert.match(
      faultOf("approve: {message: Go?, by: [token, ann]}"),
      /by.1 is "ann": use a name such as "oidc ann@example.com", "key NAME", token or local/,
    );
    assert.match(faultOf("fn: {name: a, method: post}"), /is "post": use GET, .* Did you mean "POST"\?/);
    assert.match(faultOf("fn: {name: a, headers: {host: x}}"), /headers.host .*Skiff sets this field itself/);
    assert.match(faultOf("http: 'ftp://example.com/'"), /use an http or https URL/);
    assert.match(faultOf("fn: a, if: '${ input.a } && ${ input.b }'"), /write it without \$\{ and \}/);
    assert.match(
      faultOf("publish: a, retry: {}"),
      /retry has no effect on publish: only fn, http or exec are retried/,
    );
    assert.match(faultOf("wait: 1s, with: 1"), /steps.a.with has no effect on wait/);
    assert.match(faultOf("wait: {for: 1s, until: input.at}"), /has both for and until/);
    assert.match(
      faultOf("wait: {event: paid, by: event.data.id}"),
      /add by, such as event.data.order, and equals/,
    );
    assert.match(faultOf("fn: a, catch: [{on: [timeout]}]"), /steps.a.catch.0 has neither then and output/);
  });

  it("bounds loops", () => {
    assert.match(faultOf("fn: a, while: last.more"), /may never end: add max/);
    assert.match(faultOf("fn: a, while: last.more, max: 10001"), /use a whole number from 1 to 10000/);
    assert.match(faultOf("fn: a, while: last.more, max: 3, each: input"), /has both each and while/);
    assert.match(faultOf("fn: a, max: 3"), /max is for while/);
    assert.match(faultOf("fn: a, concurrency: 3"), /concurrency is for each/);
  });

  it("proposes a name for a step whose name expressions cannot have", () => {
    assert.deepEqual(faultsOf("steps:\n  Check-Order: {fn: a}\n"), [
      '2:3 "Check-Order" is not a valid name of a step: use 1 to 63 characters of a-z, 0-9 and "_", starting with a letter, such as check_order. Expressions name it as steps.NAME.',
    ]);
  });

  it("refuses times and filters of triggers that have no meaning", () => {
    const of = (on: string) => faultsOf(`on:\n  ${on}\nsteps: {a: {fn: a}}`).join();
    assert.match(of('cron: "61 * * * *"'), /^2:9 on.cron: /);
    assert.match(
      of("topic: {topic: t, filter: {exakt: {type: a}}}"),
      /^2:30 Unknown member .*Did you mean "exact"/,
    );
    assert.match(of("http: orders"), /on.http is "orders": use a path such as \/orders/);
    assert.match(of("http: {methods: [FETCH]}"), /on.http.methods.0 is "FETCH"/);
    assert.match(of("htpp: true"), /Did you mean "http"/);
  });
});
