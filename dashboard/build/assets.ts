import { createHash } from "node:crypto";
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, extname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A file that browsers may keep for ever: its name changes with its content. */
export interface Asset {
  /** Media type. */
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
}

export interface Assets {
  /** The page, with `__NONCE__` where its nonce belongs. */
  readonly index: string;
  /** @param name of a file, without a folder */
  get(name: string): Asset | undefined;
}

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** In images and in the npm package. */
const SHIPPED = fileURLToPath(new URL("../assets", import.meta.url));
const BUILT = join(ROOT, "node_modules/.cache/skiff/dashboard");
const INDEX = "index.html";
const DAY_MS = 86_400_000;
const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
};

/**
 * Returns the files of the page: those that were shipped, or those of a checkout, which are built after each change.
 * @throws Error if the page cannot be built
 */
export async function openAssets(): Promise<Assets> {
  if (existsSync(join(SHIPPED, INDEX))) return readAssets(SHIPPED);
  const folder = join(BUILT, sourceKey());
  if (!existsSync(folder)) {
    removeOld();
    await writeAssets(folder);
  }
  return readAssets(folder);
}

/** Builds the page into a folder that does not exist, which appears complete. */
export async function writeAssets(folder: string): Promise<void> {
  const { bundle } = await import("./bundle.ts");
  const { files, index } = await bundle();
  const partial = `${folder}.${process.pid}`;
  mkdirSync(partial, { recursive: true });
  for (const { name, body, gzip } of files) {
    writeFileSync(join(partial, name), body);
    writeFileSync(join(partial, `${name}.gz`), gzip);
  }
  writeFileSync(join(partial, INDEX), index);
  try {
    renameSync(partial, folder);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    // Another process has built the same.
    if (!existsSync(folder)) throw error;
  }
}

function readAssets(folder: string): Assets {
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const [body, gzip] = [name, `${name}.gz`].map((file) => readFileSync(join(folder, file)));
    assets.set(name, { type, body: body!, gzip: gzip! });
  }
  return { index: readFileSync(join(folder, INDEX), "utf8"), get: (name) => assets.get(basename(name)) };
}

/** Other checkouts and branches may use their builds of today. */
function removeOld(): void {
  if (!existsSync(BUILT)) return;
  for (const name of readdirSync(BUILT)) {
    const folder = join(BUILT, name);
    if (Date.now() - statSync(folder).mtimeMs > DAY_MS) rmSync(folder, { recursive: true, force: true });
  }
}

/** Changes with every file that the page is built from. */
function sourceKey(): string {
  const patterns = [
    "dashboard/web/**/*",
    "dashboard/build/*",
    "platform/**/*.ts",
    "process/**/*.ts",
    "examples/**/*",
    "package-lock.json",
  ];
  const hash = createHash("sha256");
  for (const file of globSync(patterns, { cwd: ROOT }).sort()) {
    const { mtimeMs, size } = statSync(join(ROOT, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}
