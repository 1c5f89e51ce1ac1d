import { encodeFiles } from "../../../../client-image/project/project-pack.ts";
import { Problem } from "../../../../platform/problems.ts";
import { needsImage } from "../../../image/needs-image.ts";
import { SINGLE_FILE } from "../../../program/build/choose-command.ts";
import { chooseStart } from "../../../program/build/declared-start.ts";
import { type ProgramOrder, packProgram } from "../../../program/build/pack-program.ts";
import type { Entries } from "../../../runtime.ts";
import { artifactTooLarge } from "../build-problems.ts";
import type { AdviceTask, AnyTask, Reply, Task } from "../tasks.ts";
import type { Files } from "./archive.ts";
import { adviseMissingExport } from "./missing-export.ts";
import { buildModule } from "./module-build.ts";
import { adviseNativeCode } from "./native-code.ts";
import type { JsonObject } from "./project/config/json-file.ts";
import { readProject } from "./project/project.ts";
import { takeSettings } from "./project/settings-file.ts";
import { tidyTree } from "./project/tree.ts";
import { readSourceFiles } from "./source-files.ts";
import { checkFolders } from "./unpack/collection.ts";
import { unpackSource } from "./unpack/unpack-source.ts";

export interface Performed {
  readonly reply: Reply;
  readonly body: Uint8Array;
}

/** esbuild's message for work under way when its process ended, and for all later work. */
const COLLAPSED = /^The service (was stopped|is no longer running)/;
const NOTHING = new Uint8Array(0);

/** Does one task. A worker keeps nothing between two. */
export async function perform(task: AnyTask, bytes: Uint8Array): Promise<Performed> {
  try {
    if ("log" in task) return await advise(task, bytes);
    if ("unpack" in task) return await unpackSource(task, bytes);
    const performed = await (isSingleFile(task) ? buildFile(task, bytes) : buildArchive(task, bytes));
    if (performed.body.length > task.artifactBytes) throw artifactTooLarge(task.artifactBytes);
    return performed;
  } catch (error) {
    return { reply: replyTo(error), body: NOTHING };
  }
}

async function advise({ log }: AdviceTask, artifact: Uint8Array): Promise<Performed> {
  const text = (await adviseMissingExport(artifact, log)) ?? adviseNativeCode(log);
  return { reply: { outcome: "advice", ...(text === undefined ? {} : { text }) }, body: NOTHING };
}

function isSingleFile({ type }: Task): boolean {
  return type === "text/typescript" || type === "application/octet-stream";
}

async function buildFile(task: Task, bytes: Uint8Array): Promise<Performed> {
  const start = chooseStart(task);
  if (start.runtime !== "deno") {
    return await buildProgram(task, { files: new Map([[SINGLE_FILE, bytes]]), marked: new Set(), start });
  }
  const module = await buildModule(bytes);
  if (module) return { reply: { outcome: "module" }, body: module };
  return await packProject(new Map([["main.ts", bytes]]), {});
}

async function buildArchive(task: Task, bytes: Uint8Array): Promise<Performed> {
  const { type, sourceBytes, entry, formerEntry } = task;
  const marked = new Set<Uint8Array>();
  const posted = await readSourceFiles({ bytes, type }, { sourceBytes, marked });
  const files = tidyTree(posted);
  const settings = takeSettings(files);
  const start = chooseStart(task, settings);
  if (start.runtime === "deno") {
    const entries = {
      ...(entry === undefined ? {} : { entry }),
      ...(formerEntry === undefined ? {} : { formerEntry }),
    };
    return await packProject(posted, entries);
  }
  return await buildProgram(task, { files, marked, start, ...(settings ? { settings } : {}) });
}

interface FoundProgram extends Omit<ProgramOrder, "arch" | "adapters"> {
  readonly settings?: JsonObject;
}

async function buildProgram({ adapters }: Task, { settings, ...found }: FoundProgram): Promise<Performed> {
  if (found.start.runtime === "image") throw needsImage();
  if (adapters === undefined) throw new Error("the task of a program has no adapters");
  checkFolders(found.files);
  const { body, ...choice } = await packProgram({ ...found, adapters, arch: process.arch });
  return { reply: { outcome: "program", ...choice, ...(settings ? { settings } : {}) }, body };
}

async function packProject(posted: Files, entries: Entries): Promise<Performed> {
  const { files, entry, roots, settings } = await readProject(posted, entries);
  // With the files that the build adds.
  checkFolders(new Map([["deno.lock", NOTHING], ...files]));
  const body = Buffer.concat([...encodeFiles(files)]);
  return { reply: { outcome: "project", entry, roots, ...(settings ? { settings } : {}) }, body };
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
