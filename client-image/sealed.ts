/**
 * Loads for pods of the pool. A load is encrypted with the key of one pod (AES-256-GCM) and signed with the key of the
 * installation (Ed25519). Both cover the uid of the pod. Node seals and Deno opens, with WebCrypto instead of a
 * library: docs/pods.md has the measurements.
 */

import { type Bytes, concat } from "./bytes.ts";

/** Keys of managers and routers. */
export interface SealKeys {
  /** Ed25519, PKCS #8. */
  readonly signPrivate: Uint8Array;
  /** 32 bytes that derive the keys of all pods. */
  readonly seed: Uint8Array;
}

/** Keys of one pod of the pool, 32 bytes each. They open loads for this pod and cannot seal any. */
export interface OpenKeys {
  /** Ed25519; not secret. */
  readonly verifyPublic: Uint8Array;
  readonly own: Uint8Array;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const SIGNATURE_BYTES = 64;
const HEAD_BYTES = IV_BYTES + SIGNATURE_BYTES;

/** Derives the key of one pod. It reveals neither the seed nor the key of another pod. */
export async function podKey(seed: Uint8Array, uid: string): Promise<Bytes> {
  const base = await crypto.subtle.importKey("raw", bytes(seed), "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await crypto.subtle.deriveBits(derivation(uid), base, 8 * KEY_BYTES));
}

/** Seals loads. Imports the keys once. */
export class Sealer {
  readonly #ready: ReturnType<typeof importKeys>;

  constructor(keys: SealKeys) {
    this.#ready = importKeys(keys);
    // `seal` throws the error.
    this.#ready.catch(() => {});
  }

  /** Layout: IV · signature of the IV and the ciphertext · ciphertext. */
  async seal(message: Uint8Array, uid: string): Promise<Bytes> {
    const { subtle } = crypto;
    const { base, signer } = await this.#ready;
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const aes = { name: "AES-GCM", length: 8 * KEY_BYTES };
    const key = await subtle.deriveKey(derivation(uid), base, aes, false, ["encrypt"]);
    const ciphertext = new Uint8Array(await subtle.encrypt(encryption(iv, uid), key, bytes(message)));
    const signature = await subtle.sign("Ed25519", signer, concat(utf8(uid), iv, ciphertext));
    return concat(iv, new Uint8Array(signature), ciphertext);
  }
}

/** Opens loads for one pod. */
export class Opener {
  readonly #uid: string;
  readonly #own: CryptoKey;
  readonly #verifier: CryptoKey;

  private constructor(uid: string, own: CryptoKey, verifier: CryptoKey) {
    this.#uid = uid;
    this.#own = own;
    this.#verifier = verifier;
  }

  /** Imports the keys as non-extractable and overwrites `own`. */
  static async from({ verifyPublic, own }: OpenKeys, uid: string): Promise<Opener> {
    const { subtle } = crypto;
    const key = await subtle.importKey("raw", bytes(own), "AES-GCM", false, ["encrypt", "decrypt"]);
    own.fill(0);
    const verifier = await subtle.importKey("raw", bytes(verifyPublic), "Ed25519", false, ["verify"]);
    return new Opener(uid, key, verifier);
  }

  /** Runs the steps of `open` once, because the first run takes several times as long. */
  async warm(): Promise<void> {
    const { subtle } = crypto;
    await subtle.verify("Ed25519", this.#verifier, new Uint8Array(SIGNATURE_BYTES), new Uint8Array(IV_BYTES));
    const parameters = encryption(crypto.getRandomValues(new Uint8Array(IV_BYTES)), this.#uid);
    const sealed = await subtle.encrypt(parameters, this.#own, new Uint8Array(KEY_BYTES));
    await subtle.decrypt(parameters, this.#own, sealed);
  }

  /** @throws Error if the load was not sealed for this pod by a holder of the installation's secret */
  async open(sealed: Uint8Array): Promise<Bytes> {
    const { subtle } = crypto;
    const uid = this.#uid;
    if (sealed.length < HEAD_BYTES) throw new Error("the message is too short");
    const iv = bytes(sealed.subarray(0, IV_BYTES));
    const signature = bytes(sealed.subarray(IV_BYTES, HEAD_BYTES));
    const ciphertext = bytes(sealed.subarray(HEAD_BYTES));
    // In parallel, because each runs on a thread of its own. The plaintext is used only if both succeed.
    const [isSigned, opened] = await Promise.allSettled([
      subtle.verify("Ed25519", this.#verifier, signature, concat(utf8(uid), iv, ciphertext)),
      subtle.decrypt(encryption(iv, uid), this.#own, ciphertext),
    ]);
    if (isSigned.status === "rejected" || !isSigned.value) throw new Error("the signature is wrong");
    if (opened.status === "rejected") throw new Error("it was sealed for somebody else");
    return new Uint8Array(opened.value);
  }
}

async function importKeys({ signPrivate, seed }: SealKeys) {
  const { subtle } = crypto;
  const base = await subtle.importKey("raw", bytes(seed), "HKDF", false, ["deriveKey"]);
  const signer = await subtle.importKey("pkcs8", bytes(signPrivate), "Ed25519", false, ["sign"]);
  return { base, signer };
}

/** Parameters that derive the key of a pod from the seed (RFC 5869). */
function derivation(uid: string) {
  return { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(`skiff pod ${uid}`) };
}

function encryption(iv: Bytes, uid: string) {
  return { name: "AES-GCM", iv, additionalData: utf8(uid) };
}

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

function bytes(view: Uint8Array): Bytes {
  return view as Bytes;
}
