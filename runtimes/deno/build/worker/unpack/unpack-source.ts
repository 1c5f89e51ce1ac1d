import { encodeFiles } from "../../../../../client-image/project/project-pack.ts";
import { folderTooLarge } from "../../source.ts";
import { type Reply, UNPACKED_FILES, UNPACKED_MANIFEST, type UnpackTask } from "../../tasks.ts";
import { readManifest } from "../project/manifest-file.ts";
import { tidyTree } from "../project/tree.ts";
import { readSourceFiles } from "../source-files.ts";

/** Unpacks a source for the manager, with what its manifest says. */
export async function unpackSource(
  { unpack: type, mostBytes }: UnpackTask,
  bytes: Uint8Array,
): Promise<{ readonly reply: Reply; readonly body: Uint8Array }> {
  const tooLarge = () => folderTooLarge(mostBytes, "unpacked ");
  const files = tidyTree(await readSourceFiles({ bytes, type }, { sourceBytes: mostBytes, tooLarge }));
  const manifest = readManifest(files);
  const packed = new Map([...files].map(([path, content]) => [`${UNPACKED_FILES}${path}`, content]));
  if (manifest) packed.set(UNPACKED_MANIFEST, new TextEncoder().encode(JSON.stringify(manifest)));
  return { reply: { outcome: "unpacked" }, body: Buffer.concat([...encodeFiles(packed)]) };
}
