import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** System programs that make sandboxes. */
export const SANDBOX_TOOLS = [
  ...["bwrap", "unshare", "mount", "umount", "pivot_root", "setpriv", "sh", "mkdir", "chown", "ldd"],
] as const;

/** Paths of the installed programs. */
export type Tools = Readonly<Partial<Record<(typeof SANDBOX_TOOLS)[number], string>>>;

/** Usual folders of these programs, which PATH may lack. */
export const PROGRAM_FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

/** Finds programs in folders; earlier folders take precedence. Programs that are not installed are absent. */
export function findPrograms<N extends string>(
  names: readonly N[],
  folders: readonly string[] = PROGRAM_FOLDERS,
): Readonly<Partial<Record<N, string>>> {
  const found: Partial<Record<N, string>> = {};
  for (const name of names) {
    const path = folders.map((folder) => join(folder, name)).find((each) => canAccess(each, constants.X_OK));
    if (path !== undefined) found[name] = path;
  }
  return found;
}

export function findTools(): Tools {
  return findPrograms(SANDBOX_TOOLS);
}

/** @throws Error if the tool is not installed */
export function toolPath(tools: Tools, name: keyof Tools): string {
  const path = tools[name];
  if (path === undefined) throw new Error(`${name} is not installed`);
  return path;
}

/** True if this process has an access right of `fs.constants` to a file. */
export function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
