import { Problem } from "../../platform/problems.ts";
import type { Bodies, StoredBody } from "../../store/bodies.ts";

/** Each of them holds memory of this program for as long as its client takes. */
const MOST_UPLOADS = 64;

/** Bounds the long bodies that this program stores at a time. */
export class Uploads implements Pick<Bodies, "write"> {
  readonly #bodies: Pick<Bodies, "write">;
  #underWay = 0;

  constructor(bodies: Pick<Bodies, "write">) {
    this.#bodies = bodies;
  }

  /** @throws Problem `too_many_uploads` besides those of `Bodies.write` */
  async write(parts: AsyncIterable<Uint8Array>, mostBytes: number): Promise<StoredBody> {
    if (this.#underWay >= MOST_UPLOADS) {
      const detail = `${MOST_UPLOADS} bodies over 64 KiB are being stored: send the request again later.`;
      throw new Problem("too_many_uploads", detail, { retryAfterS: 5 });
    }
    this.#underWay++;
    try {
      return await this.#bodies.write(parts, mostBytes);
    } finally {
      this.#underWay--;
    }
  }
}
