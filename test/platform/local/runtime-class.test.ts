import assert from "node:assert/strict";
import { checkRuntimeClass } from "../../../platform/local/runtime-class.ts";

describe("a RuntimeClass on one machine", () => {
  it("is refused, because there are no pods", () => {
    checkRuntimeClass({ runtimeClass: "" });
    assert.throws(() => checkRuntimeClass({ runtimeClass: "gvisor" }), {
      ...{ code: "invalid_setting", extensions: { setting: "runtimeClass" } },
      detail: /^runtimeClass=gvisor is for the pods of Kubernetes/,
    });
  });
});
