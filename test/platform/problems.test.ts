import assert from "node:assert/strict";
import {
  PROBLEMS,
  Problem,
  type ProblemCode,
  problemDocument,
  problemHeaders,
  toProblem,
} from "../../platform/problems.ts";

describe("a problem", () => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    it(`${code} has a status that HTTP knows and a document of RFC 9457`, () => {
      const problem = new Problem(code, "Do this.");
      assert.ok(problem.status >= 400 && problem.status < 600);
      assert.deepEqual(problemDocument(problem, "id"), {
        type: `https://skiff.dev/problems/${code}`,
        title: PROBLEMS[code].title,
        status: problem.status,
        detail: "Do this.",
        code,
        callId: "id",
      });
    });
  }

  it("carries its extensions in the document", () => {
    const problem = new Problem("no_capacity", "Wait.", { retryAfterS: 3, setting: "max", log: ["a"] });
    const { retryAfterS, setting, log } = problemDocument(problem, "id");
    assert.deepEqual([retryAfterS, setting, log], [3, "max", ["a"]]);
  });

  it("says when to try again in whole seconds, at least one", () => {
    const header = (retryAfterS: number) =>
      problemHeaders(new Problem("no_capacity", "Wait.", { retryAfterS }), "id")["retry-after"];
    assert.deepEqual([0, 0.2, 1, 1.1, 9].map(header), ["1", "1", "1", "2", "9"]);
  });

  it("is marked as the platform's, is not cached, and has the call's id", () => {
    assert.deepEqual(problemHeaders(new Problem("internal_error", "Wait."), "id"), {
      "content-type": "application/problem+json; charset=utf-8",
      "cache-control": "no-store",
      "x-skiff-error": "platform",
      "x-skiff-call-id": "id",
    });
  });

  it("made of a full disk says what to do about it, whoever reported it", () => {
    const file = Object.assign(new Error("ENOSPC: no space left on device, open '/secret'"), {
      code: "ENOSPC",
    });
    const quota = Object.assign(new Error("EDQUOT"), { code: "EDQUOT" });
    const database = Object.assign(new Error("database or disk is full"), {
      code: "ERR_SQLITE_ERROR",
      errcode: 13,
    });
    for (const error of [file, quota, database, new Error("It failed.", { cause: file })]) {
      const { code, status, detail } = toProblem(error);
      assert.deepEqual([code, status], ["storage_full", 507]);
      assert.match(detail, /free space.*SKIFF_DATA/);
      assert.doesNotMatch(detail, /secret/);
    }
    const other = Object.assign(new Error("constraint failed"), { code: "ERR_SQLITE_ERROR", errcode: 19 });
    assert.equal(toProblem(other).code, "internal_error");
  });

  it("made of a system that has no file or process left is none of the function", () => {
    for (const code of ["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]) {
      const cause = Object.assign(new Error(`spawn /secret ${code}`), { code });
      for (const error of [cause, new Error("It failed.", { cause })]) {
        const { status, detail, extensions } = toProblem(error);
        assert.deepEqual([status, extensions.retryAfterS], [503, 1]);
        assert.match(detail, /not at fault: .* left/);
        assert.doesNotMatch(detail, /secret/);
      }
    }
  });

  it("made of what nobody expected does not tell the cause", () => {
    const problem = new Problem("draining", "Wait.", { retryAfterS: 1 });
    assert.equal(toProblem(problem), problem);
    for (const error of [new Error("password=1"), "password=1", undefined]) {
      const { code, detail } = toProblem(error);
      assert.equal(code, "internal_error");
      assert.doesNotMatch(detail, /password/);
    }
  });
});
