import * as client from "openid-client";
import { UsageError } from "../usage-error.ts";

export interface DeviceLogin {
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
}

/** What a person has to do. */
export interface DevicePrompt {
  readonly url: string;
  readonly code: string;
}

/** Codes of issuers are valid for less. */
const LOGIN_MS = 15 * 60_000;

/**
 * Logs in with the device flow (RFC 8628): the person confirms a code in a browser, on any machine.
 * @returns the token for the API @throws Error if the issuer refuses, or the person does
 */
export async function deviceToken(
  { issuer, clientId, scope }: DeviceLogin,
  prompt: (prompt: DevicePrompt) => void,
): Promise<string> {
  if (!URL.canParse(issuer))
    throw new UsageError(`--issuer ${issuer} is not an address: use one like https://login.example.com.`);
  const url = new URL(issuer);
  const isLocal = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  const options = url.protocol === "http:" && isLocal ? { execute: [client.allowInsecureRequests] } : {};
  const config = await client.discovery(url, clientId, undefined, client.None(), options);
  const started = await client.initiateDeviceAuthorization(config, { scope });
  prompt({ url: started.verification_uri_complete ?? started.verification_uri, code: started.user_code });
  const signal = AbortSignal.timeout(LOGIN_MS);
  const tokens = await client.pollDeviceAuthorizationGrant(config, started, undefined, { signal });
  // Skiff checks a signed token by itself. Many issuers hand out access tokens that only they can read.
  return isJwt(tokens.access_token) ? tokens.access_token : (tokens.id_token ?? tokens.access_token);
}

function isJwt(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}
