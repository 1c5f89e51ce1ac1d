/**
 * Makes `dist/`, which the npm package has instead of the sources: the same modules in the same folders, in plain
 * JavaScript. Node removes no types below node_modules.
 */
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { writeAssets } from "../dashboard/build/assets.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");
const NOT_SHIPPED = /^(?:dist|data|test|bench|packing|examples|node_modules|\..*)$/;
/** Modules that are started as threads, processes and programs. */
const STARTED = /\bnew URL\("([^"]+)\.ts", import\.meta\.url\)/g;

/** Leaves every import as it is, with the ending of JavaScript. */
const separateModules: Plugin = {
  name: "separate modules",
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path, kind }) => {
      if (kind === "entry-point") return undefined;
      return { path: path.startsWith(".") ? path.replace(/\.ts$/, ".js") : path, external: true };
    });
  },
};

const folders = readdirSync(ROOT).filter((name) => !NOT_SHIPPED.test(name));
const modules = folders.flatMap((name) =>
  // The package has the page as the files that browsers get.
  name.endsWith(".ts") ? [name] : globSync(`${name}/**/*.ts`, { cwd: ROOT, exclude: ["dashboard/web/**"] }),
);
const { outputFiles } = await build({
  absWorkingDir: ROOT,
  entryPoints: modules,
  outdir: DIST,
  outbase: ROOT,
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  target: "node24",
  charset: "utf8",
  logLevel: "error",
  plugins: [separateModules],
});
rmSync(DIST, { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  const code = text.replaceAll(STARTED, (_, module: string) => `new URL("${module}.js", import.meta.url)`);
  const left = /["'`][^"'`\n]*\.ts["'`][^\n]*import\.meta|import\.meta[^\n]*\.ts["'`]/.exec(code);
  if (left) throw new Error(`${path} starts TypeScript, which the package does not have: ${left[0]}`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
}
await writeAssets(join(DIST, "dashboard/assets"));
// They become files of functions.
for (const adapter of globSync("runtimes/program/adapters/*.{mjs,py}", { cwd: ROOT })) {
  copyFileSync(join(ROOT, adapter), join(DIST, adapter));
}
const { name, version, type } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Record<
  string,
  string
>;
writeFileSync(join(DIST, "package.json"), `${JSON.stringify({ name, version, type })}\n`);
