import { Problem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";
import type { Git } from "../program/git.ts";
import { followLink, type LinkedTree } from "./follow-link.ts";
import { FOLDER, LINK, listTree, MOST_PATH_BYTES, SUBMODULE, type TreeEntry } from "./list-tree.ts";
import { checkPath, foldedPath, isForGit, shown } from "./path-rules.ts";
import { readBlobs } from "./read-blobs.ts";
import type { CommitOptions, SourceTree, TreeLimits } from "./tree.ts";

/** Lines of one refusal. */
const MOST_FAULTS = 10;
/** Longest target of a link. */
const MOST_TARGET_BYTES = 1_000;
/** Links to the programs of packages, which no module uses. Archives may have them as well. */
const PROGRAMS = /(^|\/)node_modules\/\.bin\//;
/** Git LFS reads smaller files only, and knows the older name. */
const MOST_POINTER_BYTES = 1_024;
const POINTER = /^version https:\/\/(git-lfs|hawser)\.github\.com\/spec\/v1\r?\n/;

/**
 * Reads the source of a commit: its files without those for git, links as copies of what they lead to.
 * @throws Problem `push_refused`, with a line for each file that cannot be deployed
 */
export async function readTree(git: Git, options: CommitOptions, limits: TreeLimits): Promise<SourceTree> {
  const listed = await listTree(git, { ...options, isDeep: true, hasSizes: true }, (entries) =>
    collect(entries, limits),
  );
  const { files, links, folders } = listed;
  const ids = [...files.values(), ...links.values()].map(({ id }) => id);
  const blobs = await readBlobs(git, { ...options, ids });
  const contentOf = (path: string, { id }: Blob) => {
    const content = blobs.get(id);
    if (!content) throw refused([`${shown(path)} has no content in the repository: push it again.`]);
    return content;
  };
  const targets = new Map([...links].map(([path, link]) => [path, textOf(contentOf(path, link))]));
  const tree: LinkedTree = { files, folders, targets };
  const faults: string[] = [];
  let { bytes } = listed;
  const found: [string, Blob][] = [...files];
  for (const path of links.keys()) {
    const led = followLink(tree, path);
    if ("fault" in led) faults.push(led.fault);
    else {
      const file = files.get(led.path)!;
      bytes += file.sizeBytes;
      found.push([path, file]);
    }
  }
  for (const [path, file] of files) {
    if (file.sizeBytes < MOST_POINTER_BYTES && POINTER.test(textOf(contentOf(path, file)))) {
      faults.push(`${shown(path)} is a pointer of Git LFS: commit the file itself (git lfs migrate export).`);
    }
  }
  if (faults.length > 0) throw refused(faults);
  if (bytes > limits.bytes) throw tooLarge(bytes, limits);
  const sorted = found.sort(([one], [other]) => (one < other ? -1 : 1));
  const executables = new Set(sorted.filter(([, file]) => file.isExecutable).map(([path]) => path));
  return Object.assign(new Map(sorted.map(([path, file]) => [path, contentOf(path, file)])), { executables });
}

interface Blob {
  readonly id: string;
  readonly sizeBytes: number;
  readonly isExecutable: boolean;
}

interface Listed {
  readonly files: ReadonlyMap<string, Blob>;
  readonly links: ReadonlyMap<string, Blob>;
  readonly folders: ReadonlySet<string>;
  readonly bytes: number;
}

/** Stops at the first entry too many, so that nothing of a tree without end is held. */
async function collect(entries: AsyncIterable<TreeEntry>, limits: TreeLimits): Promise<Listed> {
  const files = new Map<string, Blob>();
  const links = new Map<string, Blob>();
  const folders = new Set<string>();
  const paths = new Map<string, string>();
  const faults: string[] = [];
  let bytes = 0;
  const add = (entry: TreeEntry): string | undefined => {
    const checked = checkPath(entry.path);
    if ("fault" in checked) return checked.fault;
    const { path } = checked;
    const former = paths.get(foldedPath(path));
    if (former === path) return `${shown(path)} is in the tree twice: remove one.`;
    if (former !== undefined) {
      return `${shown(former)} and ${shown(path)} are one file on macOS and Windows: rename one.`;
    }
    paths.set(foldedPath(path), path);
    const { mode, id, sizeBytes } = entry;
    if (mode === SUBMODULE) {
      return `${shown(path)} is a submodule: commit its files instead (git rm --cached, then git add).`;
    }
    if (mode === FOLDER) folders.add(path);
    else if (sizeBytes === undefined)
      return `${shown(path)} has no content in the repository: push it again.`;
    else if (isForGit(path)) return undefined;
    else if (mode === LINK) {
      if (PROGRAMS.test(path)) return undefined;
      if (sizeBytes > MOST_TARGET_BYTES) return `${shown(path)} is a link to a path that is too long.`;
      links.set(path, { id, sizeBytes, isExecutable: false });
    } else {
      files.set(path, { id, sizeBytes, isExecutable: (Number.parseInt(mode, 8) & 0o100) !== 0 });
      bytes += sizeBytes;
    }
    return undefined;
  };
  let folderCount = 0;
  let fileCount = 0;
  /** A folder with a fault, which stands for all that is in it. */
  let faulty: string | undefined;
  for await (const entry of entries) {
    const isFolder = entry.mode === FOLDER;
    if (isFolder ? ++folderCount > limits.files : ++fileCount > limits.files) {
      throw tooMany(isFolder ? "folders" : "files", limits);
    }
    const path = entry.path.toString("latin1");
    if (faulty !== undefined && path.startsWith(faulty)) continue;
    const fault = add(entry);
    if (fault === undefined) continue;
    faults.push(fault);
    // What is in a folder with a long path has a longer one.
    if (faults.length >= MOST_FAULTS || entry.path.length > MOST_PATH_BYTES) throw refused(faults);
    if (isFolder) faulty = `${path}/`;
  }
  if (faults.length > 0) throw refused(faults);
  if (bytes > limits.bytes) throw tooLarge(bytes, limits);
  return { files, links, folders, bytes };
}

function refused(faults: readonly string[]): Problem {
  return new Problem("push_refused", faults.slice(0, MOST_FAULTS).join("\n"));
}

function tooMany(what: string, { files }: TreeLimits): Problem {
  return new Problem(
    "push_refused",
    `The commit has over ${files} ${what}: remove what the function does not need, such as node_modules.`,
  );
}

function tooLarge(bytes: number, limits: TreeLimits): Problem {
  const size = `${formatBytes(bytes)}, over ${formatBytes(limits.bytes)} (SKIFF_MAX_SOURCE)`;
  return new Problem("push_refused", `The files of the commit have ${size}: remove what is not needed.`, {
    setting: "SKIFF_MAX_SOURCE",
  });
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}
