import { createPrivateKey, createPublicKey, hkdfSync } from "node:crypto";
import type { OpenKeys, SealKeys } from "../../../client-image/sealed.ts";

/** The keys of both ends of a load. */
export interface PoolKeys {
  readonly ours: SealKeys;
  readonly pods: OpenKeys;
}

const KEY_BYTES = 32;

/** All from one secret of the installation, so that managers and routers agree without asking each other. */
export function poolKeys(secret: string): PoolKeys {
  const derive = (use: string) => Buffer.from(hkdfSync("sha256", secret, "", `skiff pool ${use}`, KEY_BYTES));
  const signPrivate = derive("sign");
  const boxPrivate = derive("box");
  return {
    ours: { signPrivate, boxPublic: publicKey(boxPrivate, "X25519") },
    pods: { boxPrivate, verifyPublic: publicKey(signPrivate, "Ed25519") },
  };
}

/** What stands before the 32 bytes of a private key in PKCS #8: RFC 8410, section 7. */
const PKCS8_BEFORE = {
  X25519: Buffer.from("302e020100300506032b656e04220420", "hex"),
  Ed25519: Buffer.from("302e020100300506032b657004220420", "hex"),
};

function publicKey(key: Buffer, curve: keyof typeof PKCS8_BEFORE): Buffer {
  const der = Buffer.concat([PKCS8_BEFORE[curve], key]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  return Buffer.from(x!, "base64url");
}
