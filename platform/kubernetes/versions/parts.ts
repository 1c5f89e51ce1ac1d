import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";

/**
 * Data of a ConfigMap may take 1 MiB in all (https://kubernetes.io/docs/concepts/configuration/configmap/);
 * what is left is room for annotations, which count in the size of the request.
 */
export const PART_BYTES = 1_000_000;

/** Bytes as gzipped parts, each small enough for a ConfigMap. At least one. */
export async function splitIntoParts(bytes: Uint8Array): Promise<Buffer[]> {
  const packed = await promisify<Uint8Array, Buffer>(gzip)(bytes);
  const count = Math.max(1, Math.ceil(packed.length / PART_BYTES));
  return Array.from({ length: count }, (_, index) =>
    packed.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
  );
}

export async function joinParts(parts: readonly Uint8Array[]): Promise<Buffer> {
  return await promisify<Uint8Array, Buffer>(gunzip)(Buffer.concat(parts));
}
