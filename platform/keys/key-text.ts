import { hash, randomBytes, randomInt } from "node:crypto";

/** The kind of the declarations that hold keys. */
export const KEY_KIND = "Key";

const SECRET_BYTES = 32;
const ID_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789";
/** Not the keys of other services that begin with `sk_`, such as `sk_live_…`: functions may take those. */
const KEY = /^sk_(k[a-z2-9]{9})_[A-Za-z0-9_-]{43}$/;

const KEY_WITHIN = /sk_k[a-z2-9]{9}_[A-Za-z0-9_-]{43}/;
const BEARER = /^bearer[ \t]+(\S+)$/i;
const BASIC = /^basic[ \t]+(\S+)/i;

/** A key as its owner has it: `sk_ID_SECRET`. Nothing of it but the id and the hash is kept. */
export interface KeyText {
  readonly id: string;
  readonly text: string;
}

/** Returns a new id: `k` and 9 characters, a valid name of a declaration. */
export function newKeyId(): string {
  const characters = Array.from({ length: 9 }, () => ID_CHARACTERS[randomInt(ID_CHARACTERS.length)]);
  return `k${characters.join("")}`;
}

/** Returns a key with 256 random bits. */
export function newKeyText(id: string): string {
  return `sk_${id}_${randomBytes(SECRET_BYTES).toString("base64url")}`;
}

/** Returns the id in the text of a key; undefined if the text has another form. */
export function keyIdOf(text: string): string | undefined {
  return KEY.exec(text)?.[1];
}

/** Returns the credential of an `Authorization: Bearer`; undefined for other forms. */
export function bearerOf(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}

/** Returns whether an `Authorization` has a key in a form that Skiff does not accept: no function may get it either. */
export function hidesKey(authorization: string): boolean {
  const basic = BASIC.exec(authorization)?.[1];
  return (
    hasKey(authorization) || (basic !== undefined && hasKey(Buffer.from(basic, "base64").toString("latin1")))
  );
}

function hasKey(text: string): boolean {
  return KEY_WITHIN.test(text);
}

/** Returns the SHA-256 of a key. With 256 random bits it needs no salt and no slow hash. */
export function hashOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
