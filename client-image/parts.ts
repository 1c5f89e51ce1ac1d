/**
 * Writes the bundle from its gzipped parts, which is how ConfigMaps carry it, and gives up the rights that
 * took: from then on the function may read its bundle and nothing around it.
 */
export async function joinParts(folder: string, bundle: string): Promise<void> {
  const names = [...Deno.readDirSync(folder)]
    .filter(({ isDirectory }) => !isDirectory)
    .map(({ name }) => name);
  const parts = names
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => Deno.readFileSync(`${folder}/${name}`));
  const code = new Blob(parts).stream().pipeThrough(new DecompressionStream("gzip"));
  const file = new URL(bundle);
  await Deno.writeFile(file, code);
  Deno.permissions.revokeSync({ name: "write", path: file });
  Deno.permissions.revokeSync({ name: "read", path: folder });
}
