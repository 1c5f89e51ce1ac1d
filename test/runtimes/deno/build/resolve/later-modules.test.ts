import assert from "node:assert/strict";
import { laterModules } from "../../../../../runtimes/deno/build/resolve/later-modules.ts";

const later = (texts: Readonly<Record<string, string>>) =>
  laterModules(new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)])));

describe("the modules that may be loaded later", () => {
  const others = {
    "worker.ts": "",
    "lib/a.mjs": "",
    "lib/a.test.ts": "",
    "tests/b.ts": "",
    "types.d.ts": "",
    "page.html": "new Worker()",
    "node_modules/x/index.js": "new Worker(x)",
  };
  const all = ["main.ts", "worker.ts", "lib/a.mjs"];
  for (const text of [
    "new Worker(new URL('./worker.ts', import.meta.url))",
    "new  Worker (path)",
    "await import(path)",
    "await import(`./lib/` + name)",
    "createRequire(import.meta.url)",
    "require(name)",
  ]) {
    it(`are all of the source beside ${text}`, () =>
      assert.deepEqual(later({ "main.ts": text, ...others }).sort(), [...all].sort()));
  }
  for (const text of ["", `import "./lib/a.mjs";`, `await import("./lib/a.mjs")`, "await import('./x')"]) {
    it(`are none beside ${text || "nothing"}`, () =>
      assert.deepEqual(later({ "main.ts": text, ...others }), []));
  }
});
