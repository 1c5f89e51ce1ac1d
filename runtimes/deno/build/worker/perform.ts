import { Problem } from "../../../../platform/problems.ts";
import { formatBytes } from "../../../../platform/quantity.ts";
import { ImportHosts } from "../import-hosts.ts";
import { BUNDLE_PER_SOURCE, type Reply, type Task } from "../tasks.ts";
import type { Files } from "./archive.ts";
import { blame, blameImport } from "./blame.ts";
import { buildFailed } from "./diagnostics.ts";
import { type OutsideError, readOutsideResult } from "./outside-errors.ts";
import { listImports, quickBuild } from "./quick-build.ts";
import { readSourceFiles } from "./source-files.ts";
import { renameSources, splitInlineMap, withInlineMap } from "./source-map.ts";

export interface Performed {
  readonly reply: Reply;
  readonly body: Uint8Array;
}

type Of<T extends Task["task"]> = Extract<Task, { task: T }>;

/** esbuild's message for work under way when its process ended, and for all later work. */
const COLLAPSED = /^The service (was stopped|is no longer running)/;
/** Imports that are bundled one by one to find the one that fails. */
const MOST_ASKED = 20;
const NOTHING = new Uint8Array(0);

/**
 * Does one task. Every task begins with the source: a worker keeps nothing between two, so that none waits for Deno's
 * bundler, and any worker can do the next one.
 */
export async function perform(
  task: Task,
  [bytes, printed]: readonly [Uint8Array, Uint8Array],
): Promise<Performed> {
  try {
    const files = await readSourceFiles({ bytes, type: task.type }, task);
    switch (task.task) {
      case "build":
        return await build(files, task);
      case "finish":
        return await finish(files, task, printed);
      case "blame":
        return await blameOne(files, task, errorsOf(printed));
    }
  } catch (error) {
    return { reply: replyTo(error), body: NOTHING };
  }
}

async function build(files: Files, task: Of<"build">): Promise<Performed> {
  const { code, bare, outside } = await quick(files, task);
  checkSize(code, task.outputBytes);
  if (outside.size > 0) return { reply: { outcome: "outside" }, body: code };
  await checkImports(bare);
  return { reply: { outcome: "bundle" }, body: code };
}

/** The source map still leads to the user's lines, because Deno's bundler applies the inline map of its input. */
async function finish(files: Files, task: Of<"finish">, printed: Uint8Array): Promise<Performed> {
  const result = readOutsideResult(printed);
  if ("errors" in result) return await blameAll(files, task, result.errors);
  const { code, mapJson } = splitInlineMap(result.code);
  const bundle = withInlineMap(code, renameSources(mapJson, withOtherName(files)));
  checkSize(bundle, task.outputBytes);
  await checkImports(code);
  return { reply: { outcome: "bundle" }, body: bundle };
}

async function blameAll(
  files: Files,
  task: Of<"finish">,
  errors: readonly OutsideError[],
): Promise<Performed> {
  const built = await quick(files, task);
  const located = await blame(built, errors, task.directory);
  if (located.length > 0) throw buildFailed(located);
  // They are inside imported modules: an import that fails by itself causes them.
  const specifiers = [...built.outside].slice(0, MOST_ASKED);
  if (specifiers.length > 1) return { reply: { outcome: "ask", specifiers }, body: NOTHING };
  return await blameOne(files, { ...task, task: "blame", specifier: specifiers[0]! }, errors);
}

async function blameOne(
  files: Files,
  task: Of<"blame">,
  errors: readonly OutsideError[],
): Promise<Performed> {
  const { specifier, directory } = task;
  const error = errors[0] ?? { text: "it cannot be bundled", location: null };
  throw buildFailed(await blameImport(await quick(files, task), { specifier, error, directory }));
}

async function quick(files: Files, { importHosts }: Task) {
  const hosts = new ImportHosts(importHosts);
  return await quickBuild(files, (specifier) => hosts.refuse(specifier));
}

function errorsOf(printed: Uint8Array): readonly OutsideError[] {
  const result = readOutsideResult(printed);
  return "errors" in result ? result.errors : [];
}

/** Adds the name that a single posted file has if it is TSX. */
function withOtherName(files: Files): Files {
  const only = files.size === 1 ? files.get("main.ts") : undefined;
  return only ? new Map([...files, ["main.tsx", only]]) : files;
}

function replyTo(error: unknown): Reply {
  if (error instanceof Problem) {
    const { code, detail, extensions } = error;
    return { outcome: "problem", code, detail, extensions };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (COLLAPSED.test(message)) return { outcome: "collapse" };
  return { outcome: "fault", message: message.slice(0, 2_000) };
}

/**
 * @param code a bundle without its map, which the parser does not need
 * @throws Problem `build_failed` if it still imports anything but `node:*`
 */
async function checkImports(code: Uint8Array): Promise<void> {
  for (const { path, dynamic } of await listImports(code)) {
    if (path.startsWith("node:")) continue;
    // An optional package that a dependency can do without. It is missing at run time too.
    if (dynamic && /^[\w@][^:]*$/.test(path)) continue;
    throw new Problem(
      "build_failed",
      `The import of "${path.slice(0, 200)}" could not be inlined: write it as a literal in an import statement of your own.`,
    );
  }
}

/** @throws Problem `build_failed` */
function checkSize(module: Uint8Array, mostBytes: number): void {
  if (module.length <= mostBytes) return;
  throw new Problem(
    "build_failed",
    `The bundle with its dependencies is ${formatBytes(module.length)}, over the limit of ${formatBytes(mostBytes)} (${BUNDLE_PER_SOURCE} times SKIFF_MAX_SOURCE); import less, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}
