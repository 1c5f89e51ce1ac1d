import { shown } from "./path-rules.ts";

/** A tree whose links are followed. */
export interface LinkedTree {
  readonly files: ReadonlyMap<string, unknown>;
  readonly folders: ReadonlySet<string>;
  /** The target of each link by its path. */
  readonly targets: ReadonlyMap<string, string>;
}

/** Links that lead to each other, as Linux has it. */
const MOST_HOPS = 40;

/** Returns the file that a link leads to, also through other links, or why it leads to none. */
export function followLink(
  { files, folders, targets }: LinkedTree,
  link: string,
): { readonly path: string } | { readonly fault: string } {
  const refused = (why: string) => ({
    fault: `${shown(link)} is a link to ${shown(targets.get(link) ?? "")}, which ${why}.`,
  });
  let path = link;
  for (let hops = 0; hops < MOST_HOPS; hops++) {
    const target = targets.get(path);
    if (target === undefined) return { path };
    const next = resolved(path, target);
    if (next === undefined) return refused("leads out of the tree: commit the file itself");
    if (next === "" || folders.has(next)) return refused("is a folder: link its files, or commit copies");
    if (!files.has(next) && !targets.has(next))
      return refused("is not in the tree: commit it, or remove the link");
    path = next;
  }
  return refused("leads back to itself: remove the link");
}

/** Undefined if it is outside. Links to folders are refused by themselves, so that names alone decide. */
function resolved(link: string, target: string): string | undefined {
  if (target.startsWith("/")) return undefined;
  const names = link.split("/").slice(0, -1);
  for (const name of target.split("/")) {
    if (name === "" || name === ".") continue;
    if (name !== "..") names.push(name);
    else if (names.pop() === undefined) return undefined;
  }
  return names.join("/");
}
