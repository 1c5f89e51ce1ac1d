import type { Git, GitScope } from "../program/git.ts";
import { streamGit } from "./stream-git.ts";

export interface BlobOptions extends GitScope {
  readonly ids: Iterable<string>;
}

/**
 * Reads blobs by their ids, each once. What is missing, or is no blob, is not in the result.
 * The caller knows their sizes and has bounded them.
 */
export async function readBlobs(
  git: Git,
  { repository, objects, ids, signal }: BlobOptions,
): Promise<Map<string, Uint8Array>> {
  const asked = [...new Set(ids)];
  if (asked.length === 0) return new Map();
  const input = asked.map((id) => `${id}\n`).join("");
  const options = { repository, objects, signal, input };
  return await streamGit(git, ["cat-file", "--batch", "--buffer"], options, blobsOf);
}

async function blobsOf(output: AsyncIterable<Uint8Array>): Promise<Map<string, Uint8Array>> {
  const blobs = new Map<string, Uint8Array>();
  let head = "";
  let blob: { readonly id: string; readonly isBlob: boolean; readonly bytes: Uint8Array } | undefined;
  let filled = 0;
  for await (const chunk of output) {
    for (let at = 0; at < chunk.length; ) {
      if (!blob) {
        const end = chunk.indexOf(10, at);
        head += Buffer.from(chunk.subarray(at, end < 0 ? undefined : end)).toString("latin1");
        if (end < 0) break;
        at = end + 1;
        const [id = "", type, size] = head.split(" ");
        head = "";
        if (type === "missing") continue;
        blob = { id, isBlob: type === "blob", bytes: new Uint8Array(Number(size)) };
        filled = 0;
        continue;
      }
      // A line end comes after the bytes.
      const part = chunk.subarray(at, at + blob.bytes.length - filled);
      blob.bytes.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < blob.bytes.length || at >= chunk.length) continue;
      at += 1;
      if (blob.isBlob) blobs.set(blob.id, blob.bytes);
      blob = undefined;
    }
  }
  return blobs;
}
