import assert from "node:assert/strict";
import { flowSchema } from "../../../../platform/flows/definition/schema/flow-schema.ts";
import { startManager } from "../../started-manager.ts";

describe("manager: GET /schema/flow.json", () => {
  it("answers the schema that editors check flows with", async () => {
    const skiff = await startManager();
    try {
      const answer = await fetch(`${skiff.url}/schema/flow.json`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get("content-type")!, /^application\/schema\+json/);
      assert.deepEqual(await answer.json(), flowSchema());
    } finally {
      await skiff.stop();
    }
  });
});
