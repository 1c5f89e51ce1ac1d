import { equal, match } from "node:assert/strict";
import { ApiProblem } from "../../../dashboard/web/api/problem.ts";
import { includes, readBackProblem } from "../../../dashboard/web/api/read-back.ts";
import { otherThanLive } from "../../../dashboard/web/function/traffic.ts";

const stored = "Version 3 is stored.";

describe("a write that is read back", () => {
  it("is seen when the state is as written", async () => {
    equal(await readBackProblem({ stored, read: async () => 3, differs: () => undefined }), undefined);
  });

  it("is called stored, and not shown, when it cannot be read", async () => {
    const read = async () => {
      throw new ApiProblem(503, { detail: "The store is away." });
    };
    const problem = await readBackProblem({ stored, read, differs: () => undefined });
    equal(problem?.code, "not_read_back");
    match(
      problem.message,
      /^Version 3 is stored\. It could not be read back.*older state: The store is away\.$/,
    );
  });

  it("names another state than what was written", async () => {
    const read = async () => ({ traffic: [{ version: 4, weight: 1 }] });
    const problem = await readBackProblem({ stored, read, differs: (now) => otherThanLive(now, 3) });
    equal(problem?.code, "overtaken");
    match(problem.message, /^Version 3 is stored\. But its calls go to v4 now/);
  });

  it("compares members that were written, whatever the API adds to them", () => {
    const written = {
      cron: "0 3 * * *",
      call: { function: "report", headers: { a: "b" } },
      jitter: undefined,
    };
    equal(includes({ ...written, missed: "once" }, written), true);
    equal(includes({ ...written, call: { function: "other" } }, written), false);
    equal(includes({ paths: ["/a", "/b"] }, { paths: ["/a"] }), false);
    equal(includes(undefined, {}), false);
    equal(otherThanLive({ traffic: [{ version: 3, weight: 1 }] }, 3), undefined);
    equal(otherThanLive({ traffic: [] }, 3), "no version takes calls");
  });
});
