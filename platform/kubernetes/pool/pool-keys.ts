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

function publicKey(key: Buffer, crv: "X25519" | "Ed25519"): Buffer {
  // The public half of the JWK is not read when a private key is; it must only have the right form.
  const jwk = { kty: "OKP", crv, d: key.toString("base64url"), x: key.toString("base64url") };
  const { x } = createPublicKey(createPrivateKey({ key: jwk, format: "jwk" })).export({ format: "jwk" });
  return Buffer.from(x!, "base64url");
}
