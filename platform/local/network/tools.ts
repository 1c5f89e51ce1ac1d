import { findPrograms, PROGRAM_FOLDERS } from "../../../process/sandbox/tools.ts";

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

/**
 * Looks for the programs in the folders of `path`, then in the usual ones.
 * @throws Error that names what is missing
 */
export function findTools(path = process.env.PATH ?? "", usual: readonly string[] = PROGRAM_FOLDERS): Tools {
  const folders = [...path.split(":").filter((folder) => folder.startsWith("/")), ...usual];
  const names = Object.keys(PACKAGES) as Tool[];
  const found = findPrograms(names, folders);
  const missing = names.filter((name) => found[name] === undefined);
  if (missing.length === 0) return found as Tools;
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  throw new Error(`${missing.join(", ")} not found (packages: ${packages.join(", ")})`);
}
