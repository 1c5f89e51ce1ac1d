import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type UnzipFileInfo, unzipSync } from "fflate";
import { extract } from "tar-stream";
import { Problem } from "../../../../platform/problems.ts";
import { type ArchiveBounds, Collection, checkPath, type Files, refused } from "./unpack/collection.ts";
import { methodName, readZipDirectory, UNIX_TYPES, type ZipEntry } from "./unpack/zip-directory.ts";

export type { ArchiveBounds, Files } from "./unpack/collection.ts";

const ONLY = "only plain files, folders and links are accepted";
const MAX_LINK_BYTES = 4_096;

/** @throws Problem `invalid_source` */
export async function readTar(bytes: Uint8Array, bounds: ArchiveBounds): Promise<Files> {
  const collected = new Collection(bounds);
  const unpacking = extract();
  unpacking.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  try {
    for await (const entry of unpacking) {
      const { name, type = "file", size = 0, linkname, mode = 0 } = entry.header;
      if (type === "directory") {
        // The files in a folder create it.
        checkPath(name);
        entry.resume();
        continue;
      }
      if (type === "symlink" || type === "link") {
        collected.link(name, { target: linkname ?? "", kind: type });
        entry.resume();
        continue;
      }
      if (type !== "file" && type !== "contiguous-file") {
        throw refused(name, `is a ${type ?? "special file"}; ${ONLY}`);
      }
      const path = collected.reserve(name, size);
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry) chunks.push(chunk as Uint8Array);
      collected.add(path, Buffer.concat(chunks), { isMarked: isExecutable(mode) });
    }
    return collected.finish();
  } catch (error) {
    throw error instanceof Problem ? error : broken("tar", error);
  }
}

/** @throws Problem `invalid_source` */
export function readZip(bytes: Uint8Array, bounds: ArchiveBounds): Files {
  const collected = new Collection(bounds);
  const directory = readZipDirectory(bytes);
  const entries = new Map<
    string,
    { readonly name: string; readonly isLink: boolean; readonly isMarked: boolean }
  >();
  let index = 0;
  // fflate never allocates more than the size that an entry claims, so bound the claims.
  const filter = (info: UnzipFileInfo) => {
    const entry = directory[index++];
    if (entry === undefined) throw new Error("its directory is incomplete");
    const { name, size, originalSize } = info;
    if (name.endsWith("/")) {
      checkPath(name);
      return false;
    }
    const isLink = checkEntry(info, entry) === UNIX_TYPES.link;
    const path = unflaggedUtf8(name);
    if (isLink && originalSize > MAX_LINK_BYTES) throw refused(name, "is a symlink with too long a target");
    if (!isLink) collected.reserve(path, Math.max(size, originalSize));
    entries.set(name, { name: path, isLink, isMarked: isExecutable(entry.mode) });
    return true;
  };
  try {
    const unpacked = unzipSync(bytes, { filter });
    for (const [key, { name, isLink, isMarked }] of entries) {
      const content = unpacked[key];
      if (!content) throw new Error(`${key.slice(0, 100)} is missing`);
      if (isLink) collected.link(name, { target: new TextDecoder().decode(content), kind: "symlink" });
      else collected.add(checkPath(name), content, { isMarked });
    }
    return collected.finish();
  } catch (error) {
    throw error instanceof Problem ? error : broken("zip", error);
  }
}

function isExecutable(mode: number): boolean {
  return (mode & 0o111) !== 0;
}

/** Returns the type of a file that can be read. */
function checkEntry({ name, compression }: UnzipFileInfo, { isEncrypted, unixType }: ZipEntry): number {
  if (isEncrypted)
    throw new Problem("invalid_source", "The zip archive is encrypted: pack it without a password.");
  if (compression !== 0 && compression !== 8) {
    throw refused(name, `uses compression method ${methodName(compression)}: pack it with Deflate or Store`);
  }
  const { file, folder, link } = UNIX_TYPES;
  if ([0, file, folder, link].includes(unixType)) return unixType;
  throw refused(name, `is a special file; ${ONLY}`);
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

function broken(kind: string, error: unknown): Problem {
  const why = error instanceof Error ? error.message : String(error);
  return new Problem("invalid_source", `The ${kind} archive is broken (${why}); pack and post it again.`);
}
