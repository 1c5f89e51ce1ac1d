import { Problem } from "../../../../../platform/problems.ts";
import { followLinks, type Link } from "./links.ts";

/** Content of a source's files by their path: relative, with "/", without "." and "..". */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Limit on the unpacked size of an archive, and the error for more. */
export interface ArchiveBounds {
  readonly bytes: number;
  readonly tooLarge: () => Problem;
  /** Gets the contents of the files that the archive marks as executable. */
  readonly marked?: Set<Uint8Array>;
}

/** Limit on the files of an archive; those that links repeat count again. */
export const MAX_FILES = 20_000;
const MAX_PATH_BYTES = 1_000;
/** Longest name on usual file systems. */
const MAX_NAME_BYTES = 255;
/** Links to the programs of packages, which no module uses. */
const PROGRAMS = /(^|\/)node_modules\/\.bin\//;

/** Collects the files of one archive, and refuses harmful entries before they are unpacked. */
export class Collection {
  readonly files = new Map<string, Uint8Array>();
  readonly #links = new Map<string, Link>();
  readonly #reserved = new Set<string>();
  readonly #bounds: ArchiveBounds;
  #bytes = 0;

  constructor(bounds: ArchiveBounds) {
    this.#bounds = bounds;
  }

  /** Counts a file before its content is read; returns its path. */
  reserve(name: string, sizeBytes: number): string {
    const path = checkPath(name);
    if (path === "") throw refused(name, "has no name");
    if (this.#reserved.has(path)) throw refused(name, "is there twice");
    if (this.#reserved.size >= MAX_FILES) {
      throw new Problem("invalid_source", `The archive has over ${MAX_FILES} files; pack fewer.`);
    }
    this.#bytes += sizeBytes;
    if (this.#bytes > this.#bounds.bytes) throw this.#bounds.tooLarge();
    this.#reserved.add(path);
    return path;
  }

  /** Adds the content of a file. */
  add(path: string, content: Uint8Array, { isMarked }: { readonly isMarked: boolean }): void {
    this.files.set(path, content);
    if (isMarked) this.#bounds.marked?.add(content);
  }

  /** Adds a symbolic link, or a hard link, whose target is a path of the archive. */
  link(name: string, link: Link): void {
    const path = checkPath(name);
    if (PROGRAMS.test(path)) return;
    this.#links.set(this.reserve(name, 0), link);
  }

  /** Returns all files. Links are files of their own now, with the content of what they lead to. */
  finish(): Files {
    if (this.#links.size === 0) return checkFolders(this.files);
    const copies = followLinks(this.files, this.#links, {
      refuse: (path, why) => refused(path, why),
      // The link itself is reserved; what a link to a folder repeats is not.
      reserve: (path, bytes) => {
        this.#bytes += bytes;
        if (this.#bytes > this.#bounds.bytes) throw this.#bounds.tooLarge();
        if (!this.#links.has(path)) this.reserve(path, 0);
      },
    });
    return checkFolders(new Map([...this.files, ...copies]));
  }
}

/** A path cannot be both a file and a folder. @throws Problem `invalid_source` */
export function checkFolders(files: Files): Files {
  for (const path of files.keys()) {
    for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
      const folder = path.slice(0, at);
      if (files.has(folder)) throw refused(folder, "is a file and a folder");
    }
  }
  return files;
}

export function checkPath(name: string): string {
  if (name.includes("\0")) throw refused(name, "has a NUL character in its path");
  if (name.includes("\\")) throw refused(name, "has a backslash in its path; use /");
  if (name.startsWith("/") || /^[a-z]:/i.test(name)) throw refused(name, "has an absolute path");
  if (Buffer.byteLength(name) > MAX_PATH_BYTES)
    throw refused(name, `has a path over ${MAX_PATH_BYTES} bytes`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES))
    throw refused(name, `has a name over ${MAX_NAME_BYTES} bytes`);
  if (parts.includes("..")) throw refused(name, "has a path that leaves the archive");
  return parts.join("/");
}

export function refused(name: string, why: string): Problem {
  return new Problem("invalid_source", `${JSON.stringify(name.slice(0, 100))} in the archive ${why}.`);
}
