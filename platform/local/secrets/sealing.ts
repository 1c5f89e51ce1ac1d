import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a value belongs to. It is authenticated with the value, so that no row can be passed off as another one. */
export interface SealedFor {
  readonly name: string;
  readonly version: number;
}

/** Encrypts a value. Layout: nonce (12 bytes) · text · tag (16 bytes). */
export function seal(key: Uint8Array, value: string, place: SealedFor): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce).setAAD(associated(place));
  const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]);
}

/** @throws Error if the key is another one, or the bytes were changed or moved */
export function unseal(key: Uint8Array, sealed: Uint8Array, place: SealedFor): string {
  const [nonce, text, tag] = [
    sealed.subarray(0, NONCE_BYTES),
    sealed.subarray(NONCE_BYTES, -TAG_BYTES),
    sealed.subarray(-TAG_BYTES),
  ];
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(CIPHER, key, nonce, options).setAAD(associated(place)).setAuthTag(tag);
  return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
}

function associated({ name, version }: SealedFor): Buffer {
  return Buffer.from(`skiff secret 1\n${name}\n${version}`);
}
