import { createHash } from "node:crypto";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { answering, draftOf } from "../support/platform/draft.ts";
import { FakePlatform } from "../support/platform/fake-platform.ts";
import { conformance } from "./conformance/conformance.ts";
import { declarationsConformance, KINDS } from "./conformance/declarations.ts";

const FAILING = "throw";

class BreakablePlatform extends FakePlatform {
  /** Names and hashes of the versions that have stopped starting. */
  readonly broken = new Set<string>();

  constructor(limits: Partial<Limits>) {
    super({
      ...limits,
      start: ({ name, hash, artifact }) => {
        if (Buffer.from(artifact.code).toString() === FAILING)
          throw new Problem("start_failed", "It does not start.", { log: ["last words"] });
        if (this.broken.has(`${name} ${hash}`))
          throw new Problem("no_capacity", "It does not start.", { retryAfterS: 1 });
        return { unix: `/nonexistent/${createHash("sha256").update(name).digest("hex")}` };
      },
    });
  }
}

conformance("the platform in memory", {
  abilities: { scalesOut: false, scalesToZero: false, runsCode: false, durable: false },
  open: async (limits = {}) => new BreakablePlatform(limits),
  dispose: (platform) => platform.close(),
  reopen: async () => {
    throw new Error("it is not durable");
  },
  draft: (name, text, settings) => draftOf(name, answering(text), settings),
  failing: (name) => draftOf(name, FAILING),
  breakStarts: async (platform, name, version) => {
    (platform as BreakablePlatform).broken.add(`${name} ${(await platform.find(name, version))!.hash}`);
  },
  toZero: async (platform, name, version) => (platform as BreakablePlatform).setInstances(name, [], version),
  print: async (platform, name, text) => (platform as BreakablePlatform).print(name, text),
  answer: async () => {
    throw new Error("it runs no code");
  },
});

declarationsConformance("the platform in memory", {
  isDurable: false,
  open: async () => {
    const lines: string[] = [];
    const platform = new FakePlatform({ kinds: KINDS, print: (line) => lines.push(line) });
    const { declarations } = platform;
    return { declarations, printed: () => lines.join("\n"), close: () => platform.close() };
  },
  beside: async ({ declarations }) => declarations,
  reopen: async () => {
    throw new Error("it is not durable");
  },
});
