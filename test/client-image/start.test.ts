import assert from "node:assert/strict";
import { Problem } from "../../platform/problems.ts";
import { publish } from "../support/platform/deploying.ts";
import { draftOf } from "../support/platform/draft.ts";
import { TemporaryLocalPlatform } from "../support/platform/temporary-local-platform.ts";

describe("a module that does not start", () => {
  let local: TemporaryLocalPlatform;
  /** For what takes its time on a busy machine. */
  let patient: TemporaryLocalPlatform;
  before(async () => {
    local = await TemporaryLocalPlatform.open({ limits: { startMs: 1_500 } });
    patient = await TemporaryLocalPlatform.open();
  });
  after(async () => {
    await local.close();
    await patient.close();
  });

  async function startFailure(code: string, { platform } = local): Promise<Problem> {
    const error = await publish(platform, draftOf("broken", code)).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, "start_failed");
    assert.equal(await platform.describe("broken"), undefined);
    return error;
  }

  for (const [what, { code, detail }] of Object.entries({
    "throws while it is loaded": {
      code: `throw new Error("no database")`,
      detail: /^The new version exited with code 1\. Nothing was changed\. Its last lines:\n.*no database/s,
    },
    "fails loosely while it is loaded": {
      code: `Promise.reject(new Error("loose")); await new Promise(() => {});`,
      detail: /exited with code 1.*loose/s,
    },
    "never finishes loading": {
      code: `await new Promise(() => {});`,
      detail: /was not ready within 1\.5 s \(limit SKIFF_START_TIMEOUT\)/,
    },
    "loops while it is loaded": { code: `for (;;);`, detail: /was not ready within 1\.5 s/ },
    "calls Deno.exit while it is loaded": {
      code: `console.log("leaving"); Deno.exit()`,
      detail: /exited with code 0 before it was ready: does its module call Deno\.exit\?.*leaving/s,
    },
    "exits with a code": { code: `Deno.exit(7)`, detail: /exited with code 7/ },
    "gives Deno.serve no handler": { code: `Deno.serve({})`, detail: /Deno\.serve needs a handler/ },
    "reads what it has no permission for": {
      code: `import os from "node:os"; os.hostname();`,
      detail: /Requires sys access to "hostname": deploy again with sys=hostname/,
    },
    "listens on a port that is not its own": {
      code: `import net from "node:net"; net.createServer().listen(3000); await new Promise(() => {});`,
      detail: /Requires net access to "\[::\]:3000": a function cannot listen on an address of its own/,
    },
    "throws deep in its code": {
      code: `// A comment.\nfunction load() {\n  throw new Error("no order");\n}\nload();`,
      detail: /Error: no order\n +at load \(.*:3:9\)\n +at .*:5:1/,
    },
    "is no module": { code: `export default (`, detail: /SyntaxError/ },
  })) {
    it(`because it ${what} is a start_failed that says so`, async () => {
      const problem = await startFailure(code);
      assert.match(problem.detail, detail);
    });
  }

  it("because it fills its memory while it is loaded is a start_failed that says so", async () => {
    const code = `const all = []; for (;;) { all.push(new Uint8Array(1e6).fill(1)); await new Promise((r) => setTimeout(r)); }`;
    const { detail } = await startFailure(code, patient);
    assert.match(detail, /limit (of|is) 128 MiB \(setting memoryMiB\)/);
  });

  it("because it has no handler is a start_failed that says what to export", async () => {
    const modules = [
      "export const a = 1;",
      "export default { fetch: 1 };",
      "export default 5;",
      "export default class {}",
    ];
    const all = modules.map((code, index) =>
      assert.rejects(publish(patient.platform, draftOf(`broken-${index}`, code)), {
        code: "start_failed",
        detail: /no handler: export default a function or an object with fetch, or call Deno\.serve/,
      }),
    );
    await Promise.all(all);
  });

  it("gives the last lines as a list, at most 20", async () => {
    const { extensions } = await startFailure(`for (let i = 0; i < 50; i++) console.log(i); Deno.exit(1)`);
    assert.deepEqual([extensions.log?.length, extensions.log?.at(-1)], [20, "49"]);
  });
});
