import { bodyOf, decodeFiles } from "./project-pack.ts";

/** Writes the files of a packed project into a folder, which it replaces. */
export async function unpackProject(artifact: Uint8Array, folder: string): Promise<void> {
  const body = new Blob([bodyOf(artifact)]).stream().pipeThrough(new DecompressionStream("gzip"));
  const files = decodeFiles(new Uint8Array(await new Response(body).arrayBuffer()));
  if (exists(folder)) Deno.removeSync(folder, { recursive: true });
  const folders = new Set<string>();
  for (const [path, bytes] of files) {
    const file = `${folder}/${path}`;
    const parent = file.slice(0, file.lastIndexOf("/"));
    if (!folders.has(parent)) Deno.mkdirSync(parent, { recursive: true });
    folders.add(parent);
    Deno.writeFileSync(file, bytes);
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
