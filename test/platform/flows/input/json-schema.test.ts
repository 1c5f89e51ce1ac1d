import assert from "node:assert/strict";
import { compileSchema, type Schema, schemaFault } from "../../../../platform/flows/input/json-schema.ts";

function faults(schema: Schema, value: unknown): string[] {
  const compiled = compileSchema(schema);
  assert.ok("check" in compiled, JSON.stringify(compiled));
  return compiled.check(value).map(({ pointer, message }) => `${pointer} ${message}`);
}

describe("JSON schemas", () => {
  const ORDER = {
    type: "object",
    required: ["id"],
    properties: {
      id: { type: "string", minLength: 1 },
      total: { type: "number" },
      kind: { enum: ["a", "b"] },
    },
    additionalProperties: false,
  };

  it("find every fault of a value, with its place", () => {
    assert.deepEqual(faults(ORDER, { id: "1", total: 2, kind: "a" }), []);
    assert.deepEqual(faults(ORDER, { total: "2", kind: "c", x: 1 }), [
      " must have required property 'id'",
      ' must NOT have additional properties: "x"',
      "/total must be number",
      '/kind must be equal to one of the allowed values: ["a","b"]',
    ]);
    assert.equal(faults({ items: { type: "string" } }, Array(100).fill(0)).length, 20);
  });

  it("may be true or false", () => {
    assert.deepEqual(faults(true, 1), []);
    assert.equal(faults(false, 1).length, 1);
  });

  it("that cannot be used are told apart", () => {
    assert.equal(schemaFault(ORDER), undefined);
    assert.equal(schemaFault({ type: "string", format: "uri", $id: "https://a.example/b" }), undefined);
    assert.match(schemaFault({ proprties: {} })!, /^unknown keyword: "proprties"$/);
    assert.match(schemaFault({ type: "text" })!, /type/);
    assert.match(schemaFault({ $ref: "https://a.example/other" })!, /can't resolve reference/);
    assert.match(schemaFault({ pattern: "(" })!, /regular expression/i);
  });

  it("with equal ids do not meet", () => {
    const of = (type: string) => ({ $id: "https://a.example/x", type });
    assert.deepEqual(faults(of("string"), "a"), []);
    assert.equal(faults(of("number"), "a").length, 1);
  });
});
