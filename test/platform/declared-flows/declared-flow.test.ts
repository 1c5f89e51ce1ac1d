import assert from "node:assert/strict";
import { type DeclaredFlow, readDeclaredFlow } from "../../../platform/declared-flows/declared-flow.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";

const read = (spec: Record<string, unknown>) => readDeclaredFlow({ name: "order", spec }, limitsFromEnv({}));

function faults(flow: DeclaredFlow): string[] {
  assert.ok("faults" in flow);
  return flow.faults.map(({ line, message }) => `${line}: ${message}`);
}

describe("declared flows", () => {
  it("are the same with other comments, and as members", async () => {
    const plain = await read({ source: "steps:\n  a: {fn: f}\n" });
    const commented = await read({ source: "# Calls f.\nflow: order\nsteps:\n  a: {fn: f}\n" });
    const members = await read({ steps: { a: { fn: "f" } } });
    const other = await read({ source: "steps:\n  a: {fn: g}\n" });
    assert.ok("hash" in plain && "hash" in commented && "hash" in members && "hash" in other);
    assert.match(plain.hash, /^[0-9a-f]{64}$/);
    assert.equal(commented.hash, plain.hash);
    assert.equal(members.hash, plain.hash);
    assert.notEqual(other.hash, plain.hash);
    assert.equal(members.text, "steps:\n  a:\n    fn: f\n");
  });

  it("have a schema that can be used, and times that exist", async () => {
    const wrong = await read({
      source: 'on: {cron: "61 * * * *"}\ninput: {proprties: {}}\nsteps: {a: {fn: f}}',
    });
    assert.deepEqual(
      faults(wrong).map((fault) => fault[0]),
      ["1", "2"],
    );
    assert.match(
      faults(wrong)[1]!,
      /^2: "proprties" is not a keyword of JSON Schema\. Did you mean "properties"\?$/,
    );
  });
});
