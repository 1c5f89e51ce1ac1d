import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import type { OpenKeys, SealKeys } from "../../../client-image/sealed.ts";

/** The keys of both ends of a load. */
export interface PoolKeys {
  readonly ours: SealKeys;
  /** The key that every pod has besides its own, which derives from `ours.seed`. */
  readonly pods: Pick<OpenKeys, "verifyPublic">;
}

const KEY_BYTES = 32;
/** Prefix of the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_BEFORE = Buffer.from("302e020100300506032b657004220420", "hex");

/** Derives all keys from one secret of the installation, so that managers and routers agree without messages. */
export function poolKeys(secret: string): PoolKeys {
  const derive = (use: string) => Buffer.from(hkdfSync("sha256", secret, "", `skiff pool ${use}`, KEY_BYTES));
  const signPrivate = Buffer.concat([PKCS8_BEFORE, derive("sign")]);
  const privateKey = createPrivateKey({ key: signPrivate, format: "der", type: "pkcs8" });
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  return {
    ours: { signPrivate, seed: derive("seed") },
    pods: { verifyPublic: Buffer.from(x!, "base64url") },
  };
}
