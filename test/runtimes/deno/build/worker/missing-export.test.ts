import assert from "node:assert/strict";
import { adviseMissingExport } from "../../../../../runtimes/deno/build/worker/missing-export.ts";
import { packedProject } from "../../../../support/packed-project.ts";

const started = (specifier: string, name: string, file: string) => [
  `error: Uncaught SyntaxError: The requested module '${specifier}' does not provide an export named '${name}'`,
  `import { ${name} } from "${specifier}";`,
  "         ^",
  `    at <anonymous> (file:///skiff/code/project/${file}:1:10)`,
];

describe("advice about a name that a module does not export", () => {
  const manifest = JSON.stringify({ exports: { "./jwt": { import: "./dist/jwt.js" } } });
  const project = packedProject({
    "src/main.ts": `import { totals } from "./lib/price.js";`,
    "src/lib/price.ts":
      "export function total(count: number): number { return count; }\nexport interface Price {}",
    "src/lib/all.ts": `export * from "./price.ts";\nexport const all = 1;`,
    "node_modules/@s/kit/package.json": manifest,
    "node_modules/@s/kit/dist/jwt.js": `import { jwt, sign } from "./x.js"; export { jwt, sign };`,
  });
  const advise = (log: readonly string[]) => adviseMissingExport(project, log);

  it("names what a file of the source has, by the file that is meant", async () => {
    const advice = await advise(started("./lib/price.js", "totals", "src/main.ts"));
    assert.equal(advice, '"./lib/price.js" exports no "totals", but total.');
  });

  it("names what a module passes on, the most similar name first", async () => {
    const advice = await advise(started("./all.ts", "totals", "src/lib/x.ts"));
    assert.equal(advice, '"./all.ts" exports no "totals", but total, all.');
  });

  for (const specifier of ["npm:@s/kit@4/jwt", "@s/kit/jwt", "npm:/@s/kit@4.1.0/jwt"]) {
    it(`names what a package has: ${specifier}`, async () => {
      const advice = await advise(started(specifier, "jwtt", "src/main.ts"));
      assert.equal(advice, `"${specifier}" exports no "jwtt", but jwt, sign.`);
    });
  }

  it("is absent if the module is not found, or the log says something else", async () => {
    assert.equal(await advise(started("./nothing.ts", "x", "src/main.ts")), undefined);
    assert.equal(await advise(started("npm:other", "x", "src/main.ts")), undefined);
    assert.equal(await advise(["error: something else"]), undefined);
  });
});
