import { createHash, type Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Principal } from "../../http/access/principal.ts";
import { Problem } from "../../platform/problems.ts";
import type { Idempotency } from "../../store/call.ts";

const MOST_CHARACTERS = 255;

/** What must be equal in a repeated request, besides its body. */
export interface Repeatable {
  /** Such as `fn/NAME`: equal keys of other scopes are other keys. */
  readonly scope: string;
  /** Values of JSON in a fixed order. */
  readonly parts: readonly unknown[];
}

/** Makes the identity of a request that has an `Idempotency-Key`, while its body arrives. */
export class RequestIdentity {
  readonly #key: string;
  /** Gets the bytes of the body. */
  readonly body: Hash = createHash("sha256");

  private constructor(key: string) {
    this.#key = key;
  }

  /**
   * Returns undefined for a request without a key.
   * @throws Problem `invalid_request` for a key that is empty or too long, and for several
   */
  static of({ headersDistinct }: Pick<IncomingMessage, "headersDistinct">): RequestIdentity | undefined {
    const [key, ...more] = headersDistinct["idempotency-key"] ?? [];
    if (key === undefined) return undefined;
    if (more.length > 0) {
      const detail = "The header idempotency-key occurs more than once: send it once.";
      throw new Problem("invalid_request", detail);
    }
    if (key !== "" && key.length <= MOST_CHARACTERS) return new RequestIdentity(key);
    const detail = `The Idempotency-Key has ${key.length} characters: use 1 to ${MOST_CHARACTERS}.`;
    throw new Problem("invalid_request", detail);
  }

  /** Keys of the API have idempotency keys of their own. */
  idempotency({ keyId }: Pick<Principal, "keyId">, { scope, parts }: Repeatable): Idempotency {
    const text = JSON.stringify([...parts, this.body.digest("hex")]);
    const fingerprint = createHash("sha256").update(text).digest("hex");
    return { scope: `${scope}${keyId === undefined ? "" : ` ${keyId}`}`, key: this.#key, fingerprint };
  }
}

/** Another request had the idempotency key. */
export function keyReused(): Problem {
  const detail = "Another request had this Idempotency-Key: use a new key, or repeat that request as it was.";
  return new Problem("idempotency_key_reused", detail);
}
