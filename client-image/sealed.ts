/**
 * A message that only one pod of the pool can read, and that it takes only from who holds the installation's key:
 * sealed for the pool (X25519, HKDF, AES-256-GCM) and signed (Ed25519), both bound to the pod by its uid.
 * WebCrypto, because both ends have it: manager and router in Node, the pod in Deno.
 */

/** What managers and routers hold; raw keys of 32 bytes. */
export interface SealKeys {
  readonly signPrivate: Uint8Array;
  readonly boxPublic: Uint8Array;
}

/** What pods of the pool hold: with it nothing can be sent to another pod. */
export interface OpenKeys {
  readonly verifyPublic: Uint8Array;
  readonly boxPrivate: Uint8Array;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const SIGNATURE_BYTES = 64;
const HEAD_BYTES = KEY_BYTES + IV_BYTES;

type Bytes = Uint8Array<ArrayBuffer>;

/** Layout: public key of the sender for this message · IV · signature of both and the rest · ciphertext. */
export async function seal(message: Uint8Array, uid: string, keys: SealKeys): Promise<Bytes> {
  const { subtle } = crypto;
  const pair = (await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
  const sender = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  const pool = await subtle.importKey("raw", bytes(keys.boxPublic), { name: "X25519" }, false, []);
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await messageKey({ own: pair.privateKey, other: pool, sender, uid }, "encrypt");
  const parameters = { name: "AES-GCM", iv, additionalData: utf8(uid) };
  const ciphertext = new Uint8Array(await subtle.encrypt(parameters, key, bytes(message)));
  const head = concat(sender, iv);
  const signer = await subtle.importKey(
    "pkcs8",
    pkcs8(keys.signPrivate, ED25519),
    { name: "Ed25519" },
    false,
    ["sign"],
  );
  const signature = await subtle.sign("Ed25519", signer, concat(utf8(uid), head, ciphertext));
  return concat(head, new Uint8Array(signature), ciphertext);
}

/** @throws Error if it was not sealed for this pod by who holds the key */
export async function open(sealed: Uint8Array, uid: string, keys: OpenKeys): Promise<Bytes> {
  const { subtle } = crypto;
  if (sealed.length < HEAD_BYTES + SIGNATURE_BYTES) throw new Error("the message is too short");
  const head = bytes(sealed.subarray(0, HEAD_BYTES));
  const signature = bytes(sealed.subarray(HEAD_BYTES, HEAD_BYTES + SIGNATURE_BYTES));
  const ciphertext = bytes(sealed.subarray(HEAD_BYTES + SIGNATURE_BYTES));
  const verifier = await subtle.importKey("raw", bytes(keys.verifyPublic), { name: "Ed25519" }, false, [
    "verify",
  ]);
  const signed = concat(utf8(uid), head, ciphertext);
  if (!(await subtle.verify("Ed25519", verifier, signature, signed)))
    throw new Error("the signature is wrong");
  const sender = head.subarray(0, KEY_BYTES);
  const other = await subtle.importKey("raw", sender, { name: "X25519" }, false, []);
  const own = await subtle.importKey("pkcs8", pkcs8(keys.boxPrivate, X25519), { name: "X25519" }, false, [
    "deriveBits",
  ]);
  const key = await messageKey({ own, other, sender, uid }, "decrypt");
  const iv = head.subarray(KEY_BYTES);
  const parameters = { name: "AES-GCM", iv, additionalData: utf8(uid) };
  return new Uint8Array(await subtle.decrypt(parameters, key, ciphertext));
}

interface Agreement {
  readonly own: CryptoKey;
  readonly other: CryptoKey;
  readonly sender: Uint8Array;
  readonly uid: string;
}

async function messageKey({ own, other, sender, uid }: Agreement, usage: "encrypt" | "decrypt") {
  const { subtle } = crypto;
  const shared = await subtle.deriveBits({ name: "X25519", public: other }, own, 8 * KEY_BYTES);
  const base = await subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: bytes(sender), info: utf8(`skiff load ${uid}`) };
  return await subtle.deriveKey(hkdf, base, { name: "AES-GCM", length: 256 }, false, [usage]);
}

/** Last byte of the object identifiers 1.3.101.110 and 1.3.101.112 (RFC 8410). */
const X25519 = 0x6e;
const ED25519 = 0x70;

/** A raw private key in the form that WebCrypto reads (RFC 8410, section 7). */
function pkcs8(key: Uint8Array, algorithm: number): Bytes {
  const prefix = [
    0x30,
    0x2e,
    0x02,
    0x01,
    0x00,
    0x30,
    0x05,
    0x06,
    0x03,
    0x2b,
    0x65,
    algorithm,
    0x04,
    0x22,
    0x04,
    0x20,
  ];
  return concat(Uint8Array.from(prefix), key);
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

function bytes(view: Uint8Array): Bytes {
  return view as Bytes;
}

function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
