import assert from "node:assert/strict";
import type { DeclarationListener, Declared } from "../../../platform/declarations.ts";
import { followDeclarations } from "../../../platform/events/follow-declarations.ts";

/** Declarations whose watch is as late as the test wants. */
function lateDeclarations() {
  const all = new Map<string, Declared>();
  let notify: DeclarationListener = () => {};
  return {
    list: async () => [...all.values()],
    watch: (_: string, listener: DeclarationListener) => {
      notify = listener;
      return () => {};
    },
    put: (name: string, spec: Declared["spec"]) =>
      all.set(name, {
        kind: "Topic",
        name,
        revision: "1",
        spec,
        createdAt: new Date(0),
        updatedAt: new Date(0),
      }),
    remove: (name: string) => all.delete(name),
    arrive: (name: string) => notify(name, all.get(name)),
  };
}

describe("followed declarations", () => {
  it("are current when the watch has brought everything that is listed, and nothing else", async () => {
    const declarations = lateDeclarations();
    declarations.put("a", { keepFor: "1h" });
    const followed = followDeclarations(declarations, "Topic", () => {});
    assert.equal(await followed.isCurrent(), false);
    declarations.arrive("a");
    assert.equal(await followed.loaded, undefined);
    assert.equal(await followed.isCurrent(), true);
    declarations.put("a", { keepFor: "2h" });
    assert.equal(await followed.isCurrent(), false, "a change has not arrived");
    declarations.arrive("a");
    assert.equal(await followed.isCurrent(), true);
    declarations.remove("a");
    assert.equal(await followed.isCurrent(), false, "a removal has not arrived");
    declarations.arrive("a");
    assert.equal(await followed.isCurrent(), true);
    followed.close();
  });
});
