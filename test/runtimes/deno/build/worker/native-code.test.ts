import assert from "node:assert/strict";
import { adviseNativeCode } from "../../../../../runtimes/deno/build/worker/native-code.ts";

const SENTENCE =
  "needs native code, which a function cannot load: use a package in JavaScript or WebAssembly.";
const frame = (path: string) => `    at x (file:///skiff/code/project/node_modules/${path}:1:2)`;

describe("advice about native code", () => {
  it("names the package whose code was looked for", () => {
    const denied = 'NotCapable: Requires sys access to "cpus"';
    const sharp = [denied, frame("detect-libc/lib/process.js"), frame("sharp/lib/utility.js")];
    assert.equal(adviseNativeCode(sharp), `The package sharp ${SENTENCE}`);
    const scoped = ["Error: No native build was found for platform=linux", frame("@a/b/index.js")];
    assert.equal(adviseNativeCode(scoped), `The package @a/b ${SENTENCE}`);
    assert.equal(adviseNativeCode(["Error: Cannot find module './x.node'"]), `A package ${SENTENCE}`);
  });

  it("is absent for other errors", () => {
    assert.equal(adviseNativeCode(["Error: no", frame("sharp/lib/utility.js")]), undefined);
  });
});
