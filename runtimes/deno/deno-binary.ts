import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const PACKAGES: Readonly<Record<string, string>> = {
  "linux-x64": "@deno/linux-x64-glibc",
  "linux-arm64": "@deno/linux-arm64-glibc",
  "darwin-x64": "@deno/darwin-x64",
  "darwin-arm64": "@deno/darwin-arm64",
};

/**
 * Returns the path of the Deno binary that npm installed. It is that in the package, so that neither PATH nor an install
 * script decides which Deno runs.
 * @throws Error on a machine for which Deno has no package
 */
export function denoPath(): string {
  const carrier = PACKAGES[`${process.platform}-${process.arch}`];
  if (!carrier) throw new Error(`Deno has no npm package for ${process.platform} on ${process.arch}.`);
  const require = createRequire(createRequire(import.meta.url).resolve("deno/package.json"));
  return join(dirname(require.resolve(`${carrier}/package.json`)), "deno");
}
