import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { removeTreeSync } from "../instances/remove-tree.ts";
import type { Mount } from "./container.ts";

/** Where the folder is mounted in a container. */
export const INJECTED = "/skiff";

/** Engines write names of this machine into theirs. */
const HOSTS = "127.0.0.1\tlocalhost\n::1\tlocalhost\n";

/** Its first process reaps what loses its parent, and its shell does that while it waits. */
const FIRST = '"$@"; exit $?';
const SHELL = "/bin/sh";

/** The program host with a Node that runs in any image of this machine's processor, whatever its C library is. */
export interface Injection {
  /** To be mounted at INJECTED, read-only. */
  readonly folder: string;
  /** The command inside that runs the host. */
  readonly command: readonly string[];
}

export interface InjectionOptions {
  /** Folder for injections alone. */
  readonly root: string;
  /** Path of the compiled program host, outside of it. */
  readonly host: string;
}

/**
 * Copies Node, its libraries and the program host into a folder, unless it was done before. A copy and no mount of the
 * originals: systems with SELinux label what a container may read.
 */
export function prepareInjection({ root, host }: InjectionOptions): Injection {
  const node = realpathSync(process.execPath);
  const libraries = sharedLibraries();
  const loader = libraries.find((path) => /^ld(-linux|-musl|64)?[-.]/.test(basename(path)));
  const shell = realpathSync(SHELL);
  const all = unlike([...libraries, ...librariesOf(shell, loader)]);
  const name = keyOf([node, host, shell, ...all]);
  const folder = join(root, name);
  if (!existsSync(folder)) {
    // What crashes and older versions left. Containers of this process use `folder` alone.
    for (const other of existsSync(root) ? readdirSync(root) : []) removeTreeSync(join(root, other));
    const draft = join(root, `.${name}`);
    for (const each of [root, draft, join(draft, "lib")]) {
      mkdirSync(each, { recursive: true });
      // `mkdir` applies the umask, and the container has another user.
      chmodSync(each, 0o755);
    }
    copy(node, join(draft, "node"));
    copy(host, join(draft, "host.mjs"));
    copy(shell, join(draft, "sh"));
    for (const path of all) {
      copy(
        path,
        basename(path) === basename(loader ?? "")
          ? join(draft, "loader")
          : join(draft, "lib", basename(path)),
      );
    }
    renameSync(draft, folder);
  }
  const inside = (path: string) => `${INJECTED}/${path}`;
  const load = loader === undefined ? [] : [inside("loader"), "--library-path", inside("lib")];
  const loadShell = librariesOf(shell, loader).length === 0 ? [] : load;
  return {
    folder,
    command: [
      ...[...loadShell, inside("sh"), "-c", FIRST, "sh"],
      ...[...load, inside("node"), inside("host.mjs")],
    ],
  };
}

/** Leaves out what has the name of another one: a folder has both. */
function unlike(paths: readonly string[]): readonly string[] {
  return [...new Map(paths.map((path) => [basename(path), path])).values()];
}

/** Empty for a static program. */
function librariesOf(program: string, loader: string | undefined): readonly string[] {
  if (loader === undefined) return [];
  const { stdout } = spawnSync(loader, ["--list", program], { encoding: "utf8" });
  const paths = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, path]) => path!);
  return paths.filter((path) => existsSync(path));
}

/** The libraries that this process has loaded, the loader included. Empty for a static Node. */
function sharedLibraries(): readonly string[] {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean };
  const before = report.excludeNetwork;
  // Names of connected hosts would be looked up.
  report.excludeNetwork = true;
  try {
    const { sharedObjects } = report.getReport() as unknown as { sharedObjects: readonly string[] };
    return sharedObjects.filter((path) => path.startsWith("/") && existsSync(path));
  } finally {
    report.excludeNetwork = before;
  }
}

function keyOf(paths: readonly string[]): string {
  const hash = createHash("sha256").update(process.version);
  for (const path of paths) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`\0${path}\0${size}\0${mtimeMs}`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Shares the blocks where the file system can. */
function copy(from: string, to: string): void {
  copyFileSync(from, to, constants.COPYFILE_FICLONE);
  chmodSync(to, 0o555);
}

/** Writes the /etc/hosts of containers into a folder, and returns how it is mounted. */
export function writeHosts(folder: string): Mount {
  const path = join(folder, "hosts");
  writeFileSync(path, HOSTS);
  // `writeFile` applies the umask, and the container has another user.
  chmodSync(path, 0o444);
  return { from: path, to: "/etc/hosts", isReadOnly: true };
}
