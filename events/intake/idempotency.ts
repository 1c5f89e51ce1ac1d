import { createHash, type Hash } from "node:crypto";
import type { Principal } from "../../http/access/principal.ts";
import { Problem } from "../../platform/problems.ts";
import type { Idempotency } from "../../store/call.ts";
import type { OptionTexts } from "./call-options.ts";
import type { AsyncTarget } from "./target.ts";

const MOST_CHARACTERS = 255;

/** What must be equal in a repeated request, besides its body. */
export interface Repeatable {
  /** Such as `fn/NAME`: equal keys of other scopes are other keys. */
  readonly scope: string;
  readonly method: string;
  readonly target: Pick<AsyncTarget, "version" | "path">;
  readonly query: string;
  readonly contentType: string | undefined;
  readonly options: OptionTexts;
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
   * @throws Problem `invalid_request` for a key that is empty or too long
   */
  static of(key: string | undefined): RequestIdentity | undefined {
    if (key === undefined) return undefined;
    if (key !== "" && key.length <= MOST_CHARACTERS) return new RequestIdentity(key);
    const detail = `The Idempotency-Key has ${key.length} characters: use 1 to ${MOST_CHARACTERS}.`;
    throw new Problem("invalid_request", detail);
  }

  /** Keys of the API have idempotency keys of their own. */
  idempotency({ keyId }: Principal, request: Repeatable): Idempotency {
    const { scope, method, target, query, contentType = "", options } = request;
    const { version = "", path } = target;
    const parts = [method, version, path, query, contentType, [...options].sort(), this.body.digest("hex")];
    const fingerprint = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
    return { scope: `${scope}${keyId === undefined ? "" : ` ${keyId}`}`, key: this.#key, fingerprint };
  }
}
