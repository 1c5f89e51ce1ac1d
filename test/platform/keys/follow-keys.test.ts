import assert from "node:assert/strict";
import { followKeys } from "../../../platform/keys/follow-keys.ts";
import { KeyTable } from "../../../platform/keys/key-table.ts";
import { hashOf, newKeyText } from "../../../platform/keys/key-text.ts";
import { eventually } from "../../support/eventually.ts";
import { FakePlatform } from "../../support/platform/fake-platform.ts";

describe("a table that follows the keys of a platform", () => {
  const text = newKeyText("kaaaaaaaaa");
  const spec = { name: "ci", scopes: ["call"], hash: hashOf(text).toString("hex") };

  it("has every key once it is loaded, and follows changes and removals", async () => {
    const { declarations } = new FakePlatform();
    await declarations.put("Key", "kaaaaaaaaa", { spec });
    const table = new KeyTable();
    const keys = followKeys(declarations, table, assert.fail);
    await keys.loaded;
    assert.ok(table.check(text, 0));
    await declarations.put("Key", "kaaaaaaaaa", { spec: { ...spec, name: "cd" } });
    await eventually("the change has arrived", () => table.check(text, 0)?.key.name === "cd");
    await declarations.remove("Key", "kaaaaaaaaa");
    await eventually("the removal has arrived", () => table.check(text, 0) === undefined);
    keys.close();
    await declarations.put("Key", "kaaaaaaaaa", { spec });
    assert.equal(table.check(text, 0), undefined);
  });

  it("waits for a watch that is slower than a list", async () => {
    const { declarations } = new FakePlatform();
    await declarations.put("Key", "kaaaaaaaaa", { spec });
    const table = new KeyTable();
    const slow = {
      list: declarations.list.bind(declarations),
      watch: (...[kind, listener]: Parameters<typeof declarations.watch>) => {
        const timer = setTimeout(() => declarations.watch(kind, listener), 120);
        return () => clearTimeout(timer);
      },
    };
    await followKeys(slow, table, assert.fail).loaded;
    assert.ok(table.check(text, 0));
  });

  it("says which key does not work", async () => {
    const { declarations } = new FakePlatform();
    await declarations.put("Key", "bad", { spec: { name: "x" } });
    const lines: string[] = [];
    await followKeys(declarations, new KeyTable(), (line) => lines.push(line)).loaded;
    assert.deepEqual(lines, ["the key bad does not work: its hash is not valid"]);
  });
});
