/** The thread that writes, links and copies the files of projects, thousands at a time, so that no call waits for it. */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parentPort } from "node:worker_threads";
import { gunzipSync } from "node:zlib";
import { bodyOf, decodeFiles, launchOf } from "../../../client-image/project/project-pack.ts";
import { linkFile } from "./link-file.ts";
import type { ProjectAnswer, ProjectRequest, ProjectWork } from "./project-files.ts";

const port = parentPort!;

port.on("message", ({ id, work }: ProjectRequest) => {
  let answer: ProjectAnswer;
  try {
    perform(work);
    answer = { id };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    answer = { id, error: { message, code } };
  }
  port.postMessage(answer);
});

function perform(work: ProjectWork): void {
  const part = `${work.to}.part`;
  // A project that is linked exists, unless its version was removed.
  if ("packed" in work) mkdirSync(dirname(part), { recursive: true, mode: 0o700 });
  rmSync(part, { recursive: true, force: true });
  try {
    if ("packed" in work) unpack(work.packed, part);
    else linkTree(work.from, part);
    renameSync(part, work.to);
  } catch (error) {
    // On a full disk, others need its space.
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
}

/** Files are read-only for everybody: instances may have users of their own. */
function unpack(packed: Uint8Array, to: string): void {
  const folders = new Set<string>();
  const executables = new Set(launchOf(packed)?.program?.executables);
  for (const [path, bytes] of decodeFiles(gunzipSync(bodyOf(packed)))) {
    const file = join(to, path);
    makeFolder(dirname(file), to, folders);
    writeFileSync(file, bytes);
    chmodSync(file, executables.has(path) ? 0o555 : 0o444);
  }
}

function makeFolder(folder: string, root: string, made: Set<string>): void {
  if (made.has(folder)) return;
  if (folder !== root) makeFolder(dirname(folder), root, made);
  mkdirSync(folder);
  // `mkdir` applies the umask.
  chmodSync(folder, 0o755);
  made.add(folder);
}

/** Links every file, or copies it on another file system. */
function linkTree(from: string, to: string): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else linkFile(source, target);
  }
}
