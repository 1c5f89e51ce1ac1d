import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { extract } from "tar-stream";
import { Problem } from "../../../../platform/problems.ts";

/** Content of a source's files by their path: relative, with "/", without "." and "..". */
export type Files = ReadonlyMap<string, Uint8Array>;

/** Limit on the unpacked size of an archive, and the error for more. */
export interface ArchiveBounds {
  readonly bytes: number;
  readonly tooLarge: () => Problem;
}

const MAX_FILES = 10_000;
const MAX_PATH_BYTES = 1_000;

/** @throws Problem `invalid_source` */
export async function readTar(bytes: Uint8Array, bounds: ArchiveBounds): Promise<Files> {
  const collected = new Collection(bounds);
  const unpacking = extract();
  unpacking.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    for await (const entry of unpacking) {
      const { name, type = "file", size = 0 } = entry.header;
      if (type === "directory") {
        // The files in a folder create it.
        checkPath(name);
        entry.resume();
        continue;
      }
      if (type !== "file" && type !== "contiguous-file") {
        throw refused(name, `is a ${type ?? "special file"}; only plain files and folders are accepted`);
      }
      const path = collected.reserve(name, size);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      collected.files.set(path, Buffer.concat(chunks));
    }
  } catch (error) {
    throw error instanceof Problem ? error : broken("tar", error);
  }
  return collected.files;
}

/** @throws Problem `invalid_source` */
export function readZip(bytes: Uint8Array, bounds: ArchiveBounds): Files {
  const collected = new Collection(bounds);
  const paths = new Map<string, string>();
  // fflate never allocates more than the size that an entry claims, so bound the claims.
  const filter = ({ name, size, originalSize }: UnzipFileInfo) => {
    if (name.endsWith("/")) {
      checkPath(name);
      return false;
    }
    paths.set(name, collected.reserve(unflaggedUtf8(name), Math.max(size, originalSize)));
    return true;
  };
  let unpacked: Record<string, Uint8Array>;
  try {
    unpacked = unzipSync(bytes, { filter });
  } catch (error) {
    throw error instanceof Problem ? error : broken("zip", error);
  }
  for (const [name, path] of paths) {
    const content = unpacked[name];
    if (!content) throw broken("zip", new Error(`${name.slice(0, 100)} is missing`));
    collected.files.set(path, content);
  }
  return collected.files;
}

/** Info-ZIP writes UTF-8 names without the flag for that, so parsers read them as Latin-1. */
function unflaggedUtf8(name: string): string {
  if (!/^[\0-\xff]*[\x80-\xff][\0-\xff]*$/.test(name)) return name;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(name, "latin1"));
  } catch {
    // The name is Latin-1.
    return name;
  }
}

/** @throws Problem `invalid_source`, or that of `bounds` as soon as the unpacked bytes pass it */
export async function gunzipArchive(bytes: Uint8Array, bounds: ArchiveBounds): Promise<Uint8Array> {
  const unpacked = await promisify<Uint8Array, { maxOutputLength: number }, Buffer>(gunzip)(bytes, {
    maxOutputLength: bounds.bytes,
  }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ERR_BUFFER_TOO_LARGE" ? bounds.tooLarge() : broken("gzip", error);
  });
  if (unpacked.subarray(257, 262).toString("latin1") === "ustar") return unpacked;
  throw new Problem(
    "invalid_source",
    "The gzip body holds no tar archive: post one file as plain text, or pack several with tar -czf.",
  );
}

/** Collects the files of one archive, and refuses harmful entries before they are unpacked. */
class Collection {
  readonly files = new Map<string, Uint8Array>();
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
}

function checkPath(name: string): string {
  if (name.includes("\0")) throw refused(name, "has a NUL character in its path");
  if (name.includes("\\")) throw refused(name, "has a backslash in its path; use /");
  if (name.startsWith("/") || /^[a-z]:/i.test(name)) throw refused(name, "has an absolute path");
  if (Buffer.byteLength(name) > MAX_PATH_BYTES)
    throw refused(name, `has a path over ${MAX_PATH_BYTES} bytes`);
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..")) throw refused(name, "has a path that leaves the archive");
  return parts.join("/");
}

function refused(name: string, why: string): Problem {
  return new Problem("invalid_source", `${JSON.stringify(name.slice(0, 100))} in the archive ${why}.`);
}

function broken(kind: string, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return new Problem("invalid_source", `The ${kind} archive is broken (${why}); pack and post it again.`);
}
