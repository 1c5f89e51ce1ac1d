import assert from "node:assert/strict";
import { Callers } from "../../../http/access/caller.ts";
import { followKeys } from "../../../platform/keys/follow-keys.ts";
import { INTERNAL_KEY_ID, internalKey } from "../../../platform/keys/internal-key.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf, newKeyText } from "../../../platform/keys/key-text.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

describe("the key of Skiff itself", () => {
  const key = internalKey("0123456789abcdef");
  const ask = (callers: Callers, access: "internal" | "key" | undefined, text: string) =>
    callers.check({ name: "hello", access, text, address: "127.0.0.1" });

  it("calls every function, and counts as no key", () => {
    const table = new KeyTable();
    assert.equal(table.set(key.id, key.spec), undefined);
    const callers = new Callers({ attempts: 1 }, table);
    for (const access of ["internal", "key", undefined] as const) {
      assert.deepEqual(ask(callers, access, key.text), { isSkiff: true });
    }
  });

  it("is another one for each token", () => {
    const table = new KeyTable();
    table.set(key.id, key.spec);
    const callers = new Callers({ attempts: 1 }, table);
    assert.equal(internalKey("0123456789abcdef").text, key.text);
    const other = internalKey("0123456789abcdeg");
    assert.equal(ask(callers, "internal", other.text).problem?.code, "unknown_function");
  });

  it("calls what no other key does: functions whose access is internal", () => {
    const table = new KeyTable();
    const text = newKeyText("kaaaaaaaaa");
    table.set("kaaaaaaaaa", { name: "ci", scopes: ["admin"], hash: hashOf(text).toString("hex") });
    const callers = new Callers({ attempts: 1 }, table);
    assert.equal(ask(callers, "internal", text).problem?.code, "unknown_function");
  });

  it("cannot be declared by anybody", async () => {
    const { declarations } = new FakePlatform();
    const table = new KeyTable();
    table.set(key.id, key.spec);
    const lines: string[] = [];
    const keys = followKeys(declarations, table, (line) => lines.push(line));
    const text = newKeyText(INTERNAL_KEY_ID);
    const spec = { name: "mine", scopes: ["call"], hash: hashOf(text).toString("hex") };
    await declarations.put("Key", INTERNAL_KEY_ID, { spec });
    await eventually("it was refused", () => lines.length > 0);
    assert.deepEqual(lines, [`the key ${INTERNAL_KEY_ID} does not work: Skiff uses this id itself`]);
    assert.equal(table.check(text, 0), undefined);
    assert.ok(table.check(key.text, 0));
    keys.close();
  });
});
