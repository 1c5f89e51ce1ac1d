import { pack } from "tar-stream";
import type { Contents } from "./unified-diff.ts";

/** All files get this time, so that equal files make equal archives. */
const TIME = new Date(0);

/** Packs files into a tar. Equal files make equal bytes. */
export async function packTar(files: Contents): Promise<Buffer> {
  const packing = pack();
  const chunks: Buffer[] = [];
  packing.on("data", (chunk) => void chunks.push(chunk as Buffer));
  const packed = new Promise<void>((resolve, reject) => packing.on("end", resolve).on("error", reject));
  for (const [path, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    packing.entry({ name: path, mode: 0o644, mtime: TIME }, Buffer.from(bytes));
  }
  packing.finalize();
  await packed;
  return Buffer.concat(chunks);
}
