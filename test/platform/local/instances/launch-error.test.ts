import assert from "node:assert/strict";
import { LaunchError, refusalOf } from "../../../../platform/local/instances/launch-error.ts";
import { run } from "../../../../platform/local/network/tools.ts";
import { Sandbox } from "../../../../platform/local/wall/sandbox.ts";
import { toProblem } from "../../../../platform/problems.ts";

describe("a launch that the machine refuses", () => {
  const failures: Readonly<Record<string, () => Promise<unknown>>> = {
    "a tool of a network": () => run(["/bin/sh", "-c", "echo secret >&2; exit 1"]),
    "a tool that is not there": () => run(["/not/there"]),
    "a wall": () => Sandbox.prepare(["/bin/sh", "-c", "echo secret >&2; exit 1"]),
    "a wall that is not there": () => Sandbox.prepare(["/not/there"]),
  };
  for (const [what, fail] of Object.entries(failures)) {
    it(`because ${what} fails is none of the function, and passes`, async () => {
      const error = await fail().then(
        () => assert.fail("it did not fail"),
        (error: unknown) => error,
      );
      const { code, detail, extensions } = toProblem(refusalOf(error));
      assert.deepEqual([code, extensions.retryAfterS], ["no_capacity", 5], String(error));
      assert.match(detail, /no fault of the function/);
      assert.doesNotMatch(detail, /secret/);
    });
  }

  it("for want of something says of what", () => {
    for (const [code, words] of [
      ["EMFILE", /ulimit -n/],
      ["ENOSPC", /disk is full/],
    ] as const) {
      const cause = Object.assign(new Error(code), { code });
      const { detail } = toProblem(refusalOf(new LaunchError("pasta does not start", { cause })));
      assert.match(detail, words);
    }
  });

  it("is not what anything else is that goes wrong", () => {
    const error = new TypeError("a fault of ours");
    assert.equal(refusalOf(error), error);
  });
});
