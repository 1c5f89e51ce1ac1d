import assert from "node:assert/strict";
import { startedSkiff } from "../../support/skiff/started-skiff.ts";
import { roundTrip } from "./round-trip.ts";

roundTrip("one machine", {
  open: () => startedSkiff({ env: { SKIFF_SECRETS_KEY: "07".repeat(32) } }),
  check: async (url) => {
    for (const [name, answer] of Object.entries({ plain: "hello", project: "from a project" })) {
      const response = await fetch(`${url}/fn/${name}`);
      assert.deepEqual([response.status, await response.text()], [200, answer]);
    }
  },
});
