import { bodyOf, decodeIndex, INDEX_BYTES, indexLength, launchOf } from "./project-pack.ts";

/** Writes the files of a packed project into a folder, which it replaces. One file at a time is in memory. */
export async function unpackProject(artifact: Uint8Array, folder: string): Promise<void> {
  const body = new Response(bodyOf(artifact) as Uint8Array<ArrayBuffer>).body!;
  const reader = new Bytes(body.pipeThrough(new DecompressionStream("gzip")));
  const index = decodeIndex(await reader.take(indexLength(await reader.take(INDEX_BYTES))));
  if (exists(folder)) Deno.removeSync(folder, { recursive: true });
  const folders = new Set<string>();
  const executables = new Set(launchOf(artifact)?.program?.executables);
  for (const [path, length] of index) {
    const file = `${folder}/${path}`;
    const parent = file.slice(0, file.lastIndexOf("/"));
    if (!folders.has(parent)) Deno.mkdirSync(parent, { recursive: true });
    folders.add(parent);
    // A mode that the umask does not change would take a further call for each file.
    Deno.writeFileSync(file, await reader.take(length), executables.has(path) ? { mode: 0o755 } : {});
  }
}

/** Reads a stream in pieces of given lengths. */
class Bytes {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** @throws Error if the stream ends before */
  async take(length: number): Promise<Uint8Array> {
    const taken = new Uint8Array(length);
    for (let at = 0; at < length; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("the project was cut short");
        this.#rest = value;
      }
      const piece = this.#rest.subarray(0, length - at);
      taken.set(piece, at);
      at += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return taken;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Reads the artifact from the gzipped parts of ConfigMaps, in the order of their names. */
export function readParts(folder: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const parts = [...Deno.readDirSync(folder)]
    .filter(({ isDirectory, name }) => !isDirectory && !name.startsWith("."))
    .map(({ name }) => name)
    .sort()
    .map((name) => Deno.readFileSync(`${folder}/${name}`));
  return new Blob(parts).stream().pipeThrough(new DecompressionStream("gzip"));
}
