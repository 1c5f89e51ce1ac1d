import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { type StartedSkiff, startedSkiff } from "../../support/skiff/started-skiff.ts";
import { actions, apply } from "./folders.ts";

const FOLDER = new URL("../../../examples/", import.meta.url);

describe("the folder of examples", function () {
  // All of them are built, one with a framework from npm.
  this.timeout(60_000);
  let skiff: StartedSkiff;
  before(async () => {
    skiff = await startedSkiff();
  });
  after(() => skiff.close());

  it("is deployed by one apply, with every example", async () => {
    // Folders have examples of their own.
    const entries = readdirSync(FOLDER, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    const files = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, FOLDER))]));
    const expected = names.filter((name) => name.endsWith(".ts")).map((name) => name.replace(".ts", ""));
    const answer = await apply(skiff.url, files);
    assert.deepEqual(actions(answer).sort(), expected.map((name) => `create ${name} done`).sort());
    const { status } = await fetch(`${skiff.url}/fn/cards/draw`);
    assert.equal(status, 200);
  });
});
