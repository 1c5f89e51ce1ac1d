import assert from "node:assert/strict";
import { once } from "node:events";
import { buildSync } from "esbuild";
import { call, callFor } from "../support/instances/call-instance.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("errors of a function", () => {
  let local: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open();
  });
  after(() => local.close());

  it("of permissions name the setting in the log, whoever logs them", async () => {
    const code = `
      export default async (request) => {
        if (!request.url.endsWith("/caught")) return fetch("http://10.1.2.3:8080/");
        const error = await fetch("http://10.1.2.4/").catch((error) => error);
        console.log(JSON.stringify({ message: error.message }));
      };`;
    const { address } = await local.run(code);
    await call(address);
    await local.logged('Requires net access to "10.1.2.3:8080": deploy again with net=public,10.1.2.3\n');
    await call(address, { path: "/caught" });
    await local.logged('to \\"10.1.2.4:80\\": deploy again with net=public,10.1.2.4"}');
  });

  for (const [what, { code, logged }] of Object.entries({
    "thrown at once": { code: `() => { throw new Error("sync") }`, logged: "Error: sync" },
    "thrown later": { code: `async () => { await 0; throw new Error("async") }`, logged: "Error: async" },
    "thrown that is no Error": { code: `() => { throw "a text" }`, logged: "a text" },
    "thrown that is nothing": { code: `() => { throw undefined }`, logged: "failed: undefined" },
    "in a getter of what is returned": {
      code: `() => ({ get a() { throw new Error("getter") } })`,
      logged: "Error: getter",
    },
  })) {
    it(`${what} is a problem document without the stack, which is in the log`, async () => {
      const { address } = await local.run(`export default ${code};`);
      const answer = await call(address, { headers: { "x-skiff-call-id": "abc" } });
      assert.equal(answer.status, 500);
      assert.equal(answer.headers["content-type"], "application/problem+json; charset=utf-8");
      assert.equal(answer.headers["x-skiff-error"], "platform");
      assert.equal(answer.headers["access-control-allow-origin"], "*");
      assert.match(answer.headers["access-control-expose-headers"] ?? "", /x-skiff-error/);
      assert.deepEqual(JSON.parse(answer.text), {
        type: "https://skiff.dev/problems/function_error",
        title: "The function threw an error",
        status: 500,
        detail: "The stack is in the function's log.",
        code: "function_error",
        callId: "abc",
      });
      await local.logged("call abc failed:");
      await local.logged(logged);
    });
  }

  it("names the file and line that were posted", async () => {
    const source = [
      "interface Greeting { text: string }",
      "export default (request: Request) => {",
      `  throw new Error("mapped") satisfies Error as unknown as Greeting;`,
      "};",
    ].join("\n");
    const { outputFiles } = buildSync({
      stdin: { contents: source, sourcefile: "main.ts", loader: "ts" },
      bundle: true,
      write: false,
      format: "esm",
      sourcemap: "inline",
    });
    const { address } = await local.run(outputFiles[0]!.text);
    assert.equal((await call(address)).status, 500);
    await local.logged("mapped");
    await local.logged("main.ts:3:9");
    assert.doesNotMatch(local.log.slice(local.log.indexOf("mapped")), /bundle\.mjs/);
  });

  it("after the response began breaks the connection, and the instance lives", async () => {
    const { address } = await local.run(`
      export default (request) => request.url.endsWith("/fine") ? "fine" : new ReadableStream({
        start(controller) { controller.enqueue(new Uint8Array(10)); },
        pull() { throw new Error("amid the body"); },
      });`);
    await assert.rejects(async () => {
      const response = await callFor(address);
      response.resume();
      await once(response, "end");
    });
    assert.equal((await call(address, { path: "/fine" })).text, "fine");
  });

  for (const [what, { code, logged }] of Object.entries({
    "an unhandled rejection": {
      code: `void Promise.reject(new Error("loose"))`,
      logged: "unhandled rejection: Error: loose",
    },
    "an error in a timer": {
      code: `setTimeout(() => { throw new Error("late") }, 0)`,
      logged: "uncaught error: Error: late",
    },
    "an error in a microtask": {
      code: `queueMicrotask(() => { throw new Error("micro") })`,
      logged: "uncaught error: Error: micro",
    },
  })) {
    it(`outside a call (${what}) are logged, and the instance lives`, async () => {
      const instance = await local.run(`export default () => { ${code}; return "fine"; };`);
      for (let i = 0; i < 2; i++) assert.equal((await call(instance.address)).text, "fine");
      await local.logged(logged);
      assert.equal((await call(instance.address)).text, "fine");
    });
  }
});
