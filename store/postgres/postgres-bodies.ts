import { randomUUID } from "node:crypto";
import type { Bodies, StoredBody } from "../bodies.ts";
import { countedParts } from "../sql/bodies/counted-parts.ts";
import type { RunWork } from "../sql/works.ts";
import { megabytes } from "./megabytes.ts";

/** Long bodies in rows of a megabyte. */
export class PostgresBodies implements Bodies {
  readonly #run: RunWork;

  constructor(run: RunWork) {
    this.#run = run;
  }

  async write(parts: AsyncIterable<Uint8Array>, mostBytes: number): Promise<StoredBody> {
    const id = randomUUID().replaceAll("-", "");
    let bytes = 0;
    let number = 0;
    try {
      for await (const part of megabytes(countedParts(parts, mostBytes))) {
        await this.#run("addBodyPart", id, number++, part, new Date());
        bytes += part.byteLength;
      }
      await this.#run("addBody", id, bytes, new Date());
      return { id, bytes };
    } catch (error) {
      // If the store is away, its parts are removed after an hour.
      if (number > 0) await this.#run("removeBody", id).catch(() => {});
      throw error;
    }
  }

  async *read(body: StoredBody): AsyncGenerator<Uint8Array> {
    if ("inline" in body) return yield body.inline;
    for (let number = 0, left = body.bytes; left > 0; number++) {
      const part = await this.#run("bodyPart", body.id, number);
      if (part === undefined) throw new Error(`part ${number} of the body ${body.id} is gone`);
      yield part;
      left -= part.byteLength;
    }
  }

  async remove(body: StoredBody): Promise<void> {
    if ("id" in body) await this.#run("removeBody", body.id);
  }

  /** Removes a batch of what nothing refers to. Returns whether more may be left. */
  async removeOld(now: Date): Promise<boolean> {
    return (await this.#run("removeUnusedBodies", now)).length > 0;
  }
}
