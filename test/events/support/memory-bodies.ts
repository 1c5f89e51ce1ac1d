import type { Bodies, StoredBody } from "../../../store/bodies.ts";

/** Bodies in memory. */
export class MemoryBodies implements Bodies {
  readonly stored = new Map<string, Buffer>();
  /** The error of every method; undefined while it works. */
  failure: Error | undefined;

  async write(parts: AsyncIterable<Uint8Array>, mostBytes: number): Promise<StoredBody> {
    if (this.failure) throw this.failure;
    const all: Uint8Array[] = [];
    for await (const part of parts) all.push(part.slice());
    const bytes = Buffer.concat(all);
    if (bytes.length > mostBytes) throw new Error(`${bytes.length} bytes are more than ${mostBytes}`);
    const id = String(this.stored.size + 1);
    this.stored.set(id, bytes);
    return { id, bytes: bytes.length };
  }

  async remove(body: StoredBody): Promise<void> {
    if ("id" in body) this.stored.delete(body.id);
  }

  async *read(body: StoredBody): AsyncIterable<Uint8Array> {
    if (this.failure) throw this.failure;
    if ("inline" in body) yield body.inline;
    else {
      const bytes = this.stored.get(body.id);
      if (bytes === undefined) throw new Error(`the body ${body.id} is gone`);
      for (let i = 0; i < bytes.length; i += 16_384) yield bytes.subarray(i, i + 16_384);
    }
  }
}
