/** Bundles the page with esbuild: one module per lazy part, one stylesheet, names by content. */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Metafile, Plugin } from "esbuild";

const WEB = fileURLToPath(new URL("../web", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../examples/", import.meta.url));

/** `example:FILE` is the text of a file of the examples, for the templates of new functions. */
const examples: Plugin = {
  name: "examples",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^example:/ }, ({ path }) => ({ path: path.slice(8), namespace: "example" }));
    onLoad({ filter: /./, namespace: "example" }, async ({ path }) => {
      return { contents: await readFile(join(EXAMPLES, path)), loader: "text" };
    });
  },
};

/** React's names for what Preact has. */
const ALIASES = {
  react: "preact/compat",
  "react-dom": "preact/compat",
  "react-dom/client": "preact/compat/client",
  "react/jsx-runtime": "preact/jsx-runtime",
};

export interface BundledFile {
  /** Without folders, such as `main-5XK2QJ7A.js`. */
  readonly name: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

export interface Bundle {
  readonly files: readonly BundledFile[];
  /** What each file consists of and imports; its `outputs` are named as `files`, with folders. */
  readonly metafile: Metafile;
  readonly index: string;
}

/** @throws the error of esbuild, which names file and line */
export async function bundle(): Promise<Bundle> {
  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    absWorkingDir: WEB,
    entryPoints: { main: "main.tsx", style: "styles/main.css", "flow-worker": "flows/language/worker.ts" },
    outdir: "assets",
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    jsx: "automatic",
    jsxImportSource: "preact",
    alias: ALIASES,
    plugins: [examples],
    define: { "process.env.NODE_ENV": '"production"' },
    charset: "utf8",
    legalComments: "none",
    logLevel: "silent",
  });
  const files = outputFiles.map(({ path, contents }) => {
    const body = Buffer.from(contents);
    return { name: basename(path), body, gzip: gzipSync(body, { level: 9 }) };
  });
  return { files, metafile, index: indexPage(files.map(({ name }) => name)) };
}

/** `__NONCE__` is for the styles of the code editor, which it makes while it runs. */
function indexPage(names: readonly string[]): string {
  const named = (pattern: RegExp) => names.find((name) => pattern.test(name))!;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="csp-nonce" content="__NONCE__">
<meta name="flow-worker" content="/assets/${named(/^flow-worker-/)}">
<title>Skiff</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/assets/${named(/^style-/)}">
<script type="module" src="/assets/${named(/^main-/)}"></script>
</head>
<body><div id="app"></div><noscript>The dashboard needs JavaScript.</noscript></body>
</html>
`;
}
