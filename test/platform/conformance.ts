import assert from "node:assert/strict";
import type { Abilities, Draft, Platform } from "../../platform/platform.ts";
import type { Settings } from "../../platform/settings.ts";
import { closing } from "./conformance/closing.ts";
import { endpoints } from "./conformance/endpoints.ts";
import { logs } from "./conformance/logs.ts";
import { publishing } from "./conformance/publishing.ts";
import { reading } from "./conformance/reading.ts";
import { removing } from "./conformance/removing.ts";
import { scaling } from "./conformance/scaling.ts";
import { waking } from "./conformance/waking.ts";

/** What the suite has to know about an implementation besides the seam. */
export interface Harness {
  /** What the platform says of itself; the cases of abilities that it has not are left out. */
  readonly abilities: Abilities;
  /** A platform on new state. */
  open(): Promise<Platform>;
  /** Ends what `open` made, also what a test closed already. */
  dispose(platform: Platform): Promise<void>;
  /** A platform on the state of a closed one; for those that are durable. */
  reopen(platform: Platform): Promise<Platform>;
  /** A draft whose function answers every call with `text` and prints the path of the call. */
  draft(name: string, text: string, settings?: Partial<Settings>): Draft;
  /** A draft that does not start; it prints `last words` before. */
  failing(name: string): Draft;
  /** From now on no instance of the function's current version starts. */
  breakStarts(platform: Platform, name: string): Promise<void>;
  /** Waits for, or brings about, a function without instances; its `idleMs` is 100. */
  toZero(platform: Platform, name: string): Promise<void>;
  /** Makes a ready instance of the function print `text`. */
  print(platform: Platform, name: string, text: string): Promise<void>;
  /** What an instance answers; for those that run code. */
  answer(platform: Platform, name: string): Promise<string>;
}

export interface Subject extends Harness {
  /** The platform of most tests: they keep to names of their own. */
  readonly platform: Platform;
  /** `it` for cases that need an ability. */
  readonly able: Readonly<Record<keyof Abilities, (title: string, test: () => Promise<void>) => void>>;
}

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
    for (const part of [publishing, removing, reading, endpoints, waking, scaling, logs, closing])
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
