import assert from "node:assert/strict";
import { withoutNamespaces } from "../../../../platform/local/engine/call-filter.ts";

describe("the filter of system calls for images", () => {
  const allow = (...names: string[]) => ({ names, action: "SCMP_ACT_ALLOW" });
  const filter = {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allow("read", "clone", "unshare"), allow("clone3"), allow("mount", "bpf")],
  };

  it("keeps what needs no namespace, and rules that still name a call", () => {
    const { defaultAction, syscalls } = withoutNamespaces(filter);
    assert.equal(defaultAction, "SCMP_ACT_ERRNO");
    assert.deepEqual(syscalls[0], allow("read"));
    assert.equal(syscalls.length, 3);
  });

  it("allows new processes without the flags of namespaces, and lets libraries fall back to that", () => {
    const [, clone, clone3] = withoutNamespaces(filter).syscalls;
    const masked = { index: 0, value: 0x7e020000, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" };
    assert.deepEqual(clone, { ...allow("clone"), args: [masked] });
    assert.deepEqual(clone3, { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 });
  });
});
