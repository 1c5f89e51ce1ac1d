import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const room = (file: string) => fileURLToPath(new URL(`../../../platform/flows/${file}`, import.meta.url));

/** Bundles a file as an editor in a browser would; imports of Node are errors. */
async function bundled(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [room(file)],
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    minify: true,
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

describe("the room of flows in a browser", () => {
  for (const file of [
    "definition/parse.ts",
    "run/run-machine.ts",
    "graph/svg.ts",
    "definition/schema/flow-schema.ts",
  ]) {
    it(`needs nothing of Node for ${file}`, async () => {
      const text = await bundled(file);
      assert.deepEqual(text.match(/\b(process\.|require\()/g), null);
    });
  }
});
