import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Files } from "../../../../../runtimes/deno/build/worker/archive.ts";
import { type Project, readProject } from "../../../../../runtimes/deno/build/worker/project/project.ts";

const DENO = fileURLToPath(new URL("../../../../../node_modules/.bin/deno", import.meta.url));
const CALLER = "skiff-test-caller.mjs";
/** Calls the handler of the main module once it is loaded, and prints the answer. */
const CALL = `addEventListener("load", async () => {
  const { default: handler } = await import(Deno.mainModule);
  const request = new Request("http://localhost/a");
  const answer = await (handler.fetch?.(request) ?? handler(request));
  console.log("answer:", answer instanceof Response ? await answer.text() : answer);
});`;
const MOST_MS = 60_000;

/** Makes the files of a source from texts. */
export function filesOf(texts: Readonly<Record<string, string | Uint8Array>>): Files {
  const encoder = new TextEncoder();
  return new Map(
    Object.entries(texts).map(([path, text]) => [
      path,
      typeof text === "string" ? encoder.encode(text) : text,
    ]),
  );
}

/** Reads the files of a folder, by their path in it. */
export async function filesIn(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return new Map(
    await Promise.all(
      paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path)] as const),
    ),
  );
}

/** Reads texts as a project. */
export async function projectOf(
  texts: Readonly<Record<string, string | Uint8Array>>,
  entry?: string,
): Promise<Project> {
  return await readProject(filesOf(texts), entry === undefined ? {} : { entry });
}

/** The generated deno.json of a project. */
export function configOf({ files }: Project): Record<string, Record<string, string>> {
  return jsonOf(files, "deno.json");
}

export function jsonOf(files: Files, path: string): Record<string, Record<string, string>> {
  return JSON.parse(new TextDecoder().decode(files.get(path)));
}

/**
 * Runs a source as an instance does: installs what it imports, starts it with nothing but that, and returns what its handler
 * answers and what it prints.
 */
export async function run(source: Files): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "skiff-project-"));
  try {
    const { files, entry, roots } = await readProject(source, {});
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    await writeFile(join(folder, CALLER), CALL);
    const common = ["--node-modules-dir=manual", "--vendor", `--lock=${folder}/deno.lock`];
    await deno(folder, [
      ...["install", "-q", `--config=${folder}/deno.json`, ...common, "--node-modules-linker=hoisted"],
      ...["--entrypoint", ...roots],
    ]);
    return await deno(folder, [
      ...["run", `--config=${folder}/deno.json`, ...common, "--cached-only"],
      ...["--allow-net", "--allow-env", `--allow-read=${folder}`, `--preload=${folder}/${CALLER}`],
      `${folder}/${entry}`,
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function deno(cwd: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(DENO, args, {
      cwd,
      timeout: MOST_MS,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return stdout.trim();
  } catch (error) {
    throw new Error(`deno ${args[0]}: ${(error as { stderr?: string }).stderr}`, { cause: error });
  }
}
