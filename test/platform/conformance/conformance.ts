import assert from "node:assert/strict";
import type { Abilities, Platform } from "../../../platform/platform.ts";
import { closing } from "./closing.ts";
import { endpoints } from "./endpoints.ts";
import { logs } from "./logs.ts";
import { publishing } from "./publishing.ts";
import { reading } from "./reading.ts";
import { removing } from "./removing.ts";
import { routing } from "./routing.ts";
import { scaling } from "./scaling.ts";
import { storing } from "./storing.ts";
import type { Harness, Subject } from "./subject.ts";
import { versions } from "./versions.ts";
import { waking } from "./waking.ts";

/** Registers the tests of everything that platform/platform.ts promises, for one implementation. */
export function conformance(title: string, harness: Harness): void {
  describe(`${title} as a platform`, () => {
    let platform: Platform;
    before(async () => {
      platform = await harness.open();
    });
    after(() => harness.dispose(platform));

    it("has the abilities that it declares", () => assert.deepEqual(platform.abilities, harness.abilities));

    const subject: Subject = {
      ...harness,
      able: casesOf(harness.abilities),
      get platform() {
        return platform;
      },
    };
    for (const part of [
      publishing,
      storing,
      routing,
      versions,
      removing,
      reading,
      endpoints,
      waking,
      scaling,
      logs,
      closing,
    ])
      part(subject);
  });
}

function casesOf({ scalesOut, scalesToZero, runsCode, durable }: Abilities): Subject["able"] {
  const caseOf = (has: boolean) => (title: string, test: () => Promise<void>) => {
    if (has) it(title, test);
  };
  return {
    scalesOut: caseOf(scalesOut),
    scalesToZero: caseOf(scalesToZero),
    runsCode: caseOf(runsCode),
    durable: caseOf(durable),
  };
}
