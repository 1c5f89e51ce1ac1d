import { isIP } from "node:net";
import { BLOCKED_ADDRESS, PublicAddresses } from "../../../http/addresses/public-addresses.ts";
import type { Platform } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { newestValue } from "../../../platform/secrets.ts";
import type { StartOptions } from "../program/git-program.ts";
import type { Mirror } from "../repository.ts";

export interface ReachServices {
  readonly platform: Pick<Platform, "secrets">;
  /** Hosts that may be addresses of this machine and its networks (callback-hosts.ts). */
  readonly allowedHosts: ReadonlySet<string>;
  /** Of git, such as `2.39.5`. */
  readonly gitVersion: string;
}

/** The first git that connects to given addresses alone (`http.curloptResolve`). */
const PINNING: readonly [number, number] = [2, 37];
/** A connection without a byte for this long has failed. Servers of git send one every 5 s. */
const SILENT_S = "60";
const ADDRESSES = new PublicAddresses();

/**
 * Finds out where git connects to for another repository, and as whom. The address of a name is looked up and checked here:
 * git connects to that one, follows no redirect, and uses no proxy.
 * @throws Problem `mirror_failed`, `unknown_secret`, `secrets_unavailable`
 */
export async function reachMirror(
  { url: text, secret }: Pick<Mirror, "url" | "secret">,
  { platform, allowedHosts, gitVersion }: ReachServices,
): Promise<Required<Pick<StartOptions, "config" | "env">>> {
  const url = new URL(text);
  const why = unencrypted(url, secret, allowedHosts);
  if (why !== undefined) throw new Problem("mirror_failed", why);
  const pin = isAllowed(url, allowedHosts) ? undefined : await pinOf(url, gitVersion);
  const header = secret === undefined ? undefined : basic(await secretText(platform, secret));
  return {
    env: { GIT_ALLOW_PROTOCOL: "https:http" },
    config: {
      "http.followRedirects": "false",
      "http.proxy": "",
      "http.lowSpeedLimit": "1",
      "http.lowSpeedTime": SILENT_S,
      ...(pin === undefined ? {} : { "http.curloptResolve": pin }),
      // In the environment: command lines are visible to everybody on the machine.
      ...(header === undefined ? {} : { [`http.${url.origin}/.extraHeader`]: header }),
    },
  };
}

/**
 * Refuses a mirror that `reachMirror` would always refuse. A name that cannot be looked up now may be later.
 * @throws Problem `invalid_request`
 */
export async function refuseUnreachable(
  mirror: Pick<Mirror, "url" | "secret">,
  allowedHosts: ReadonlySet<string>,
): Promise<void> {
  const url = new URL(mirror.url);
  const why = unencrypted(url, mirror.secret, allowedHosts);
  if (why !== undefined) throw new Problem("invalid_request", `url: ${why}`);
  if (isAllowed(url, allowedHosts)) return;
  try {
    await ADDRESSES.resolve(url.hostname);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === BLOCKED_ADDRESS) throw new Problem("invalid_request", `url: ${message}`);
  }
}

function isAllowed({ host, hostname }: URL, allowedHosts: ReadonlySet<string>): boolean {
  return allowedHosts.has(host) || allowedHosts.has(hostname);
}

/** Says why a secret must not be sent to a mirror; undefined if it may. */
function unencrypted(
  url: URL,
  secret: string | undefined,
  allowedHosts: ReadonlySet<string>,
): string | undefined {
  if (secret === undefined || url.protocol !== "http:" || isAllowed(url, allowedHosts)) return undefined;
  return `${url.origin} would get the secret "${secret}" unencrypted: use https://, or name the host in SKIFF_CALLBACK_HOSTS.`;
}

/** Returns the value of the newest version of a secret without white space around it. @throws Problem `unknown_secret`, `secrets_unavailable` */
export async function secretText({ secrets }: Pick<Platform, "secrets">, secret: string): Promise<string> {
  return (await newestValue(secrets, secret)).trim();
}

/** Undefined for an address, which needs no look-up. */
async function pinOf({ protocol, hostname, port }: URL, gitVersion: string): Promise<string | undefined> {
  let addresses: readonly string[];
  try {
    addresses = await ADDRESSES.resolve(hostname);
  } catch (error) {
    throw new Problem("mirror_failed", (error as Error).message);
  }
  if (isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return undefined;
  const [major = 0, minor = 0] = gitVersion.split(".").map(Number);
  if (major < PINNING[0] || (major === PINNING[0] && minor < PINNING[1])) {
    const detail = `Mirrors need git ${PINNING.join(".")} or newer on the machine of Skiff, which has ${gitVersion}: update it, or name ${hostname} in SKIFF_CALLBACK_HOSTS.`;
    throw new Problem("mirror_failed", detail);
  }
  const shown = addresses.map((address) => (address.includes(":") ? `[${address}]` : address));
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}:${shown.join(",")}`;
}

/** Products take any name of a user with a token. */
function basic(secret: string): string {
  const text = secret.includes(":") ? secret : `x-access-token:${secret}`;
  return `Authorization: Basic ${Buffer.from(text).toString("base64")}`;
}
