import assert from "node:assert/strict";
import { EngineError, EngineGone, isOwnFault } from "../../../../platform/local/engine/engine-error.ts";

describe("an error of the engine", () => {
  it("is the fault of a container that its runtime cannot start", () => {
    const denied =
      'preparing container 4c963e for attach: runc: runc create failed: unable to start container process: exec: "/skiff/loader": stat /skiff/loader: permission denied: OCI permission denied';
    assert.ok(isOwnFault(new EngineError(500, denied)));
    assert.ok(isOwnFault(new EngineError(400, "crun: open executable: Permission denied")));
  });

  it("is no fault of a container if the engine itself fails", () => {
    assert.equal(isOwnFault(new EngineError(500, "no space left on device")), false);
    assert.equal(isOwnFault(new EngineError(409, "the container name is in use")), false);
    assert.equal(isOwnFault(new EngineGone("no engine answers")), false);
  });
});
