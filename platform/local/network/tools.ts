import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** Programs that a network is made of, and the packages of Debian which have them. */
const PACKAGES = {
  ip: "iproute2",
  nft: "nftables",
  nsenter: "util-linux",
  pasta: "passt",
  setpriv: "util-linux",
  unshare: "util-linux",
} as const;

export type Tool = keyof typeof PACKAGES;

/** Where each program is. */
export type Tools = Readonly<Record<Tool, string>>;

/** Folders of administration are not in everybody's PATH. */
const FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];

/**
 * Looks for the programs in the folders of `path` and the usual ones.
 * @throws Error that names what is missing
 */
export function findTools(path = process.env.PATH ?? "", usual: readonly string[] = FOLDERS): Tools {
  const folders = [...path.split(":").filter((folder) => folder.startsWith("/")), ...usual];
  const names = Object.keys(PACKAGES) as Tool[];
  const found = names.map((name) => [name, folders.map((folder) => join(folder, name)).find(isProgram)]);
  const missing = names.filter((name) => found.some(([other, at]) => other === name && at === undefined));
  if (missing.length === 0) return Object.fromEntries(found) as Tools;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  throw new Error(`${missing.join(", ")} not found (packages: ${packages.join(", ")})`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
