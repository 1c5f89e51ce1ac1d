import { type Content, differences, type Files, type Source } from "./source.ts";

/** What somebody edits: the files of a version, and what became of them. */
export interface Workspace {
  /** The version that was loaded. */
  readonly base: Source;
  /** The current version at that time: a deploy happens only on top of it. */
  readonly current: number;
  readonly files: Files;
  readonly entry?: string;
}

export function openWorkspace(base: Source, current = base.version): Workspace {
  const { files, entry } = base;
  return { base, current, files, ...(entry === undefined ? {} : { entry }) };
}

/** Returns the paths that were changed, added or removed. */
export function changedPaths({ base, files }: Workspace): string[] {
  return differences(base.files, files);
}

export function isChanged(workspace: Workspace): boolean {
  return workspace.files !== workspace.base.files && changedPaths(workspace).length > 0;
}

export function withFile(workspace: Workspace, path: string, content: Content): Workspace {
  return { ...workspace, files: { ...workspace.files, [path]: content } };
}

export function withoutFile(workspace: Workspace, path: string): Workspace {
  const { [path]: _, ...files } = workspace.files;
  return { ...workspace, files };
}

/** An entry follows its file. */
export function renamed(workspace: Workspace, from: string, to: string): Workspace {
  const { [from]: content, ...files } = workspace.files;
  const entry = workspace.entry === from ? { entry: to } : {};
  return { ...workspace, files: { ...files, [to]: content! }, ...entry };
}

/** Returns what is wrong with the path of a new file; undefined if nothing is. */
export function pathFault(path: string, files: Files): string | undefined {
  if (path === "") return "Type a path, such as src/page.ts.";
  if (path in files) return "There is a file with this path.";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) {
    return "Write a path inside of the source, such as src/page.ts.";
  }
  if (Object.keys(files).some((other) => other.startsWith(`${path}/`))) return "A folder has this path.";
  const above = parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join("/"));
  return above.some((folder) => folder in files) ? "A file has the path of this folder." : undefined;
}
