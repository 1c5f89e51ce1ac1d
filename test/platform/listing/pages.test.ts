import { deepEqual } from "node:assert/strict";
import { describeEach } from "../../../platform/listing/pages.ts";
import type { FunctionDescription, FunctionSummary } from "../../../platform/platform.ts";

const NAMES = ["a", "b", "c", "d"];
const lost = new Set(["b", "d"]);

function summary(name: string): FunctionSummary {
  const at = new Date(0);
  return { name, version: 1, hash: "", createdAt: at, updatedAt: at, ready: 0 };
}

const platform = {
  list: async ({ after = "", limit }: { after?: string | undefined; limit: number }) =>
    NAMES.filter((name) => name > after)
      .slice(0, limit)
      .map(summary),
  describe: async (name: string) =>
    NAMES.includes(name) && !lost.has(name)
      ? ({ ...summary(name), settings: {} } as FunctionDescription)
      : undefined,
};

describe("a page of functions", () => {
  const page = async (of: Parameters<typeof describeEach>[1]) =>
    (await describeEach(platform, of)).map((each) => `${each.name}${"settings" in each ? "" : "?"}`);

  it("has also those that cannot be described, so that it is full while there are more", async () => {
    deepEqual(await page({ limit: 3 }), ["a", "b?", "c"]);
    deepEqual(await page({ limit: 3, after: "b" }), ["c", "d?"]);
  });

  it("goes on behind a name that cannot be described where the names are given", async () => {
    deepEqual(await page({ limit: 2, names: ["c", "gone", "b", "a"] }), ["a", "c"]);
  });
});
