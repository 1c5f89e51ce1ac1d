import assert from "node:assert/strict";
import { FlowTable } from "../../../flows/engine/flow-table.ts";
import { DECLARATION_KINDS } from "../../../platform/declarations.ts";
import { FLOW_KIND } from "../../../platform/flows/kinds.ts";
import { limitsFromEnv } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { eventually } from "../../support/eventually.ts";
import { MemoryDeclarations } from "../../support/platform/memory-declarations.ts";
import { MemoryVersions } from "../support/memory-versions.ts";

const HELLO = "steps: {hello: {fn: hello}}";

describe("the table of flows", () => {
  let declarations: MemoryDeclarations;
  let versions: MemoryVersions;
  let lines: string[];
  let table: FlowTable;
  beforeEach(() => {
    declarations = new MemoryDeclarations({ kinds: DECLARATION_KINDS, throwIfOver() {} });
    versions = new MemoryVersions();
    lines = [];
    table = new FlowTable({
      ...{ declarations, versions, limits: limitsFromEnv({}), now: () => 1_000 },
      print: (line) => lines.push(line),
    });
  });
  afterEach(() => table.close());

  const put = (name: string, source: string) => declarations.put(FLOW_KIND, name, { spec: { source } });

  it("knows the flows that exist when it opens", async () => {
    await put("greet", HELLO);
    await declarations.put(FLOW_KIND, "members", {
      spec: { steps: { a: { fn: "one" }, b: { fn: "two@3" } } },
    });
    await table.open();
    assert.equal(table.get("greet")?.version, 1);
    assert.deepEqual(table.get("members")?.functions, ["one"]);
  });

  it("finds a flow that was declared a moment ago", async () => {
    await table.open();
    await put("greet", HELLO);
    assert.equal((await table.find("greet")).definition.flow, "greet");
  });

  it("counts a text that was there before under its number", async () => {
    await table.open();
    for (const [source, version] of [
      [HELLO, 1],
      ["steps: {hello: {fn: other}}", 2],
      [`# the same\n${HELLO}`, 1],
    ] as const) {
      await put("greet", source);
      await eventually(`version ${version}`, () => table.get("greet")?.version === version);
    }
  });

  it("keeps the last valid text", async () => {
    await table.open();
    await put("greet", HELLO);
    await table.find("greet");
    await put("greet", "steps: {hello: {fnn: hello}}");
    await eventually("the line", () => lines.length > 0);
    assert.match(lines.join(), /the new text of the flow greet has no effect: line 1, column \d+: .+/);
    assert.equal((await table.find("greet")).version, 1);
  });

  it("says what is wrong with a flow that never was valid", async () => {
    await table.open();
    await put("greet", "steps: {hello: {fnn: hello}}");
    await assert.rejects(table.find("greet"), {
      code: "invalid_flow",
      message: /"greet" cannot run: line 1/,
    });
  });

  it("reads a text again that came while the store was away", async () => {
    await table.open();
    await put("greet", HELLO);
    await table.find("greet");
    const away = new Problem("store_unavailable", "The store is away.", { retryAfterS: 2 });
    versions.fault = away;
    await put("greet", "steps: {hello: {fn: other}}");
    await put("fresh", HELLO);
    await assert.rejects(table.find("greet"), { code: "store_unavailable" });
    await assert.rejects(table.find("fresh"), { code: "store_unavailable" });
    assert.equal(table.get("greet")?.version, 1, "the last one that was read");
    versions.fault = undefined;
    assert.equal((await table.find("greet")).version, 2);
    assert.equal((await table.find("fresh")).version, 1);
  });

  it("forgets a flow that is removed", async () => {
    await table.open();
    await put("greet", HELLO);
    await table.find("greet");
    await declarations.remove(FLOW_KIND, "greet");
    await eventually("the removal", () => table.get("greet") === undefined);
    await assert.rejects(table.find("greet"), { code: "unknown_flow", message: /PUT \/flow\/greet/ });
  });

  it("fetches few at a time of those that nobody declared, and each once", async () => {
    await table.open();
    const { get } = declarations;
    const fetched: string[] = [];
    declarations.get = async (kind, name) => {
      fetched.push(name);
      return await get.call(declarations, kind, name);
    };
    const names = ["a", "a", "b", "c", "d", "e", "f"];
    await Promise.all(names.map((name) => assert.rejects(table.find(name), { code: "unknown_flow" })));
    assert.deepEqual(fetched, ["a", "b", "c", "d"]);
    await assert.rejects(table.find("e"), { code: "unknown_flow" });
    assert.equal(fetched.at(-1), "e");
  });

  it("knows no flow whose name cannot be one", async () => {
    await table.open();
    await assert.rejects(table.find("No Name"), { code: "unknown_flow" });
  });
});
