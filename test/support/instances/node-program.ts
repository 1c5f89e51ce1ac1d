import { builtinModules } from "node:module";
import { build } from "esbuild";

const HEAD = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);`;

/** One module of a program for Node and the packages of this repository that it imports. */
export async function nodeProgram(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "esnext",
    banner: { js: HEAD },
    alias: Object.fromEntries(
      builtinModules.filter((name) => !/^(_|node:)|\//.test(name)).map((name) => [name, `node:${name}`]),
    ),
  });
  return outputFiles[0]!.text;
}
