import { hash, randomBytes, timingSafeEqual } from "node:crypto";

const TOKEN_BYTES = 32;

/** A token with which one browser signs in once. Only its hash is kept. */
export class LoginToken {
  #hash: Buffer | undefined;

  /** Returns the text of a new token, and ends the one before. */
  renew(): string {
    const text = randomBytes(TOKEN_BYTES).toString("base64url");
    this.#hash = hash("sha256", text, "buffer");
    return text;
  }

  /** Whether it can still be used. */
  get isOpen(): boolean {
    return this.#hash !== undefined;
  }

  /** Returns whether this is the token, which ends by that. */
  take(text: string): boolean {
    if (this.#hash === undefined || !timingSafeEqual(this.#hash, hash("sha256", text, "buffer")))
      return false;
    this.#hash = undefined;
    return true;
  }
}
