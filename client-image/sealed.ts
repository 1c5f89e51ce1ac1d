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

/** Seals messages; what can be done before there is one is done when it is made. */
export class Sealer {
  readonly #ready: Promise<SealerParts>;

  constructor(keys: SealKeys) {
    this.#ready = sealerParts(keys);
    // Whoever seals is told.
    this.#ready.catch(() => {});
  }

  /** Layout: public key of the sender · IV · signature of both and the rest · ciphertext. */
  async seal(message: Uint8Array, uid: string): Promise<Bytes> {
    const { subtle } = crypto;
    const { sender, base, signer } = await this.#ready;
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const key = await messageKey({ base, sender, uid }, "encrypt");
    const parameters = { name: "AES-GCM", iv, additionalData: utf8(uid) };
    const ciphertext = new Uint8Array(await subtle.encrypt(parameters, key, bytes(message)));
    const head = concat(sender, iv);
    const signature = await subtle.sign("Ed25519", signer, concat(utf8(uid), head, ciphertext));
    return concat(head, new Uint8Array(signature), ciphertext);
  }
}

/** Opens what was sealed for one pod. */
export class Opener {
  readonly #uid: string;
  readonly #ready: Promise<OpenerParts>;

  constructor(keys: OpenKeys, uid: string) {
    this.#uid = uid;
    this.#ready = openerParts(keys);
    this.#ready.catch(() => {});
  }

  /** Goes once through all that opening does: the first time takes several times as long as every other. */
  async warm(): Promise<void> {
    const { subtle } = crypto;
    const { own, verifier } = await this.#ready;
    await subtle.verify("Ed25519", verifier, new Uint8Array(SIGNATURE_BYTES), new Uint8Array(HEAD_BYTES));
    const pair = (await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
    const sender = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
    const base = await agree(own, sender);
    const agreed = { base, sender, uid: this.#uid };
    const parameters = { name: "AES-GCM", iv: new Uint8Array(IV_BYTES), additionalData: utf8(this.#uid) };
    const sealed = await subtle.encrypt(parameters, await messageKey(agreed, "encrypt"), sender);
    await subtle.decrypt(parameters, await messageKey(agreed, "decrypt"), sealed);
  }

  /** @throws Error if it was not sealed for this pod by who holds the key */
  async open(sealed: Uint8Array): Promise<Bytes> {
    const { subtle } = crypto;
    const uid = this.#uid;
    if (sealed.length < HEAD_BYTES + SIGNATURE_BYTES) throw new Error("the message is too short");
    const head = bytes(sealed.subarray(0, HEAD_BYTES));
    const signature = bytes(sealed.subarray(HEAD_BYTES, HEAD_BYTES + SIGNATURE_BYTES));
    const ciphertext = bytes(sealed.subarray(HEAD_BYTES + SIGNATURE_BYTES));
    const { own, verifier } = await this.#ready;
    const sender = head.subarray(0, KEY_BYTES);
    // Side by side, for each step is done on another thread; nothing is made of the text before both have ended well.
    const [isSigned, opened] = await Promise.allSettled([
      subtle.verify("Ed25519", verifier, signature, concat(utf8(uid), head, ciphertext)),
      agree(own, sender).then(async (base) => {
        const key = await messageKey({ base, sender, uid }, "decrypt");
        const parameters = { name: "AES-GCM", iv: head.subarray(KEY_BYTES), additionalData: utf8(uid) };
        return new Uint8Array(await subtle.decrypt(parameters, key, ciphertext));
      }),
    ]);
    if (isSigned.status === "rejected" || !isSigned.value) throw new Error("the signature is wrong");
    if (opened.status === "rejected") throw new Error("it was sealed for somebody else");
    return opened.value;
  }
}

interface SealerParts {
  /** Public key of a pair that this process has made for itself. */
  readonly sender: Bytes;
  readonly base: CryptoKey;
  readonly signer: CryptoKey;
}

async function sealerParts({ signPrivate, boxPublic }: SealKeys): Promise<SealerParts> {
  const { subtle } = crypto;
  const pair = (await subtle.generateKey({ name: "X25519" }, true, ["deriveBits"])) as CryptoKeyPair;
  const sender = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  const base = await agree(pair.privateKey, bytes(boxPublic));
  const pkcs = pkcs8(signPrivate, ED25519);
  const signer = await subtle.importKey("pkcs8", pkcs, { name: "Ed25519" }, false, ["sign"]);
  return { sender, base, signer };
}

interface OpenerParts {
  readonly own: CryptoKey;
  readonly verifier: CryptoKey;
}

async function openerParts({ verifyPublic, boxPrivate }: OpenKeys): Promise<OpenerParts> {
  const { subtle } = crypto;
  const pkcs = pkcs8(boxPrivate, X25519);
  const own = await subtle.importKey("pkcs8", pkcs, { name: "X25519" }, false, ["deriveBits"]);
  const verifier = await subtle.importKey("raw", bytes(verifyPublic), { name: "Ed25519" }, false, ["verify"]);
  return { own, verifier };
}

/** What both ends know, each with its own private key. */
async function agree(own: CryptoKey, other: Bytes): Promise<CryptoKey> {
  const { subtle } = crypto;
  const theirs = await subtle.importKey("raw", other, { name: "X25519" }, false, []);
  const shared = await subtle.deriveBits({ name: "X25519", public: theirs }, own, 8 * KEY_BYTES);
  return await subtle.importKey("raw", shared, "HKDF", false, ["deriveKey"]);
}

interface Agreement {
  readonly base: CryptoKey;
  readonly sender: Uint8Array;
  readonly uid: string;
}

async function messageKey({ base, sender, uid }: Agreement, usage: "encrypt" | "decrypt") {
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: bytes(sender), info: utf8(`skiff load ${uid}`) };
  return await crypto.subtle.deriveKey(hkdf, base, { name: "AES-GCM", length: 256 }, false, [usage]);
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
