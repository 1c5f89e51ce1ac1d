/** A link of an archive. */
export interface Link {
  readonly target: string;
  /** The target of a symbolic link is relative to its folder, that of a hard link to the archive. */
  readonly kind: "symlink" | "link";
}

export interface LinkRules {
  /** Makes the error for a link, or for what it leads to. */
  readonly refuse: (path: string, why: string) => Error;
  /** Counts a copy before it is made. */
  readonly reserve: (path: string, bytes: number) => void;
}

/** A folder, a file or a link. */
type Node = Map<string, Node> | Uint8Array | Link;

const ONLY = "only plain files, folders and links inside of the archive are accepted";
/** Links that a path may lead through, as Linux has it. */
const MAX_HOPS = 40;
/** Folders and links that are walked to copy what links lead to. */
const MAX_STEPS = 50_000;

/**
 * Copies what links lead to.
 * @returns the copies by their path: one for a link to a file, all files below for one to a folder
 */
export function followLinks(
  files: ReadonlyMap<string, Uint8Array>,
  links: ReadonlyMap<string, Link>,
  rules: LinkRules,
): Map<string, Uint8Array> {
  const root: Node = new Map();
  for (const [path, node] of [...files, ...links]) place(root, path, node);
  const copies = new Map<string, Uint8Array>();
  let steps = 0;
  /** @param around folders that are being copied */
  const copy = (path: string, node: Node, around: readonly Node[]) => {
    if (++steps > MAX_STEPS) throw rules.refuse(path, `is a link to too much; ${ONLY}`);
    if (node instanceof Uint8Array) {
      rules.reserve(path, node.length);
      copies.set(path, node);
    } else if (!(node instanceof Map)) {
      copy(path, follow(root, { path, link: node, rules }), around);
    } else {
      if (around.includes(node))
        throw rules.refuse(path, `is a link that leads back to its own folder; ${ONLY}`);
      for (const [name, inner] of node) copy(`${path}/${name}`, inner, [...around, node]);
    }
  };
  for (const [path, link] of links) copy(path, link, ancestors(root, path));
  return copies;
}

function place(root: Map<string, Node>, path: string, node: Node): void {
  const parts = path.split("/");
  const name = parts.pop()!;
  let folder = root;
  for (const part of parts) {
    const next = folder.get(part);
    // A file with the name of a folder stays; what is below it cannot be reached.
    if (next !== undefined && !(next instanceof Map)) return;
    const inner = next ?? new Map<string, Node>();
    folder.set(part, inner);
    folder = inner;
  }
  if (!folder.has(name)) folder.set(name, node);
}

/** The folders around a path. */
function ancestors(root: Map<string, Node>, path: string): Node[] {
  const found: Node[] = [root];
  for (const part of path.split("/").slice(0, -1)) {
    const last = found.at(-1);
    const next = last instanceof Map ? last.get(part) : undefined;
    if (next === undefined) break;
    found.push(next);
  }
  return found;
}

interface Followed {
  readonly path: string;
  readonly link: Link;
  readonly rules: LinkRules;
}

/** The file or folder that a link leads to, also through other links. */
function follow(root: Map<string, Node>, { path, link, rules }: Followed): Node {
  const describe = (why: string) =>
    rules.refuse(
      path,
      `is a ${link.kind} to ${JSON.stringify(link.target.slice(0, 100))}, which ${why}; ${ONLY}`,
    );
  const start = link.kind === "link" ? [] : path.split("/").slice(0, -1);
  if (link.target.startsWith("/")) throw describe("leads out of the archive");
  const todo = [...start, ...link.target.split("/")];
  let at: Node[] = [root];
  for (let hops = 0; todo.length > 0; ) {
    const part = todo.shift()!;
    if (part === "" || part === ".") continue;
    const folder = at.at(-1);
    if (part === "..") {
      if (at.length === 1) throw describe("leads out of the archive");
      at = at.slice(0, -1);
      continue;
    }
    const next: Node | undefined = folder instanceof Map ? folder.get(part) : undefined;
    if (next === undefined) throw describe("is not in the archive");
    if (next instanceof Map || next instanceof Uint8Array) {
      at = [...at, next];
      continue;
    }
    if (++hops > MAX_HOPS) throw describe("leads back to itself");
    if (next.target.startsWith("/")) throw describe("leads out of the archive");
    if (next.kind === "link") at = [root];
    todo.unshift(...next.target.split("/"));
  }
  return at.at(-1)!;
}
