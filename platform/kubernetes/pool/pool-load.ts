import { gunzipSync } from "node:zlib";
import { request } from "undici";
import { encodeLoad, LOAD_HEADER } from "../../../client-image/load-message.ts";
import type { Sealer } from "../../../client-image/sealed.ts";
import { START_VARIABLE, type StartMessage } from "../../../client-image/start-message.ts";
import { denoRunArguments } from "../../../runtimes/deno/deno-flags.ts";
import type { Limits } from "../../limits.ts";
import type { Address } from "../../platform.ts";
import { defaultSettings, type Settings } from "../../settings.ts";
import { egressRules } from "../objects/manifests.ts";
import { PORT } from "../objects/names.ts";
import { BUNDLE, RUNTIME, SCRATCH } from "../objects/pod-template.ts";
import { answersProbe } from "../starting/instance-probe.ts";

/** Files of a pod of the pool; pool.sh knows them too. */
export const RESTART = "/work/start.sh";
export const IN_PLACE = "/work/in-place";
/** The pod's own key, until the process that waits has read it. */
export const KEY = "/skiff/key/own";

/** A gzipped bundle up to this size is sent as it was before, unless it is larger than this then. */
const SMALL_BYTES = 64 * 1024;
const UNPACKED_BYTES = 512 * 1024;

/** A version as a pod is given it. */
export interface Load {
  readonly name: string;
  readonly version: number;
  readonly settings: Settings;
  /** Gzipped. */
  readonly bundle: Uint8Array;
}

export interface SealOptions {
  /** Of the pod. */
  readonly uid: string;
  readonly sealer: Sealer;
  readonly limits: Limits;
}

export interface SendOptions {
  readonly address: Extract<Address, { host: string }>;
  readonly version: number;
  readonly signal: AbortSignal;
}

/** Deno's flags for a function with these settings while it waits in the pool. */
export function poolArguments(settings: Settings): string[] {
  const own = [KEY, RESTART, `${RESTART}.new`, IN_PLACE];
  const runtime = { read: own, write: [BUNDLE, ...own] };
  return denoRunArguments({ ...sandbox(settings), runtime });
}

/** Its flags when it is started as what it is. */
function instanceArguments(settings: Settings): string[] {
  return denoRunArguments({ ...sandbox(settings), runtime: { read: [], write: [] } });
}

function sandbox(settings: Settings) {
  return { settings, bundle: BUNDLE, scratch: SCRATCH, listen: { port: PORT }, ownAddresses: [] };
}

/** What is fixed when a pod is made. */
export interface PodNeeds {
  readonly memoryMiB: number;
  readonly timeoutMs: number;
  readonly net: readonly string[];
}

/**
 * True if pods of the pool have the memory of the version and its time to drain. A NetworkPolicy opens private addresses
 * to pods of a version, which a claimed pod is not yet.
 */
export function fitsPool({ memoryMiB, timeoutMs, net }: PodNeeds, limits: Limits): boolean {
  const defaults = defaultSettings(limits);
  if (memoryMiB !== defaults.memoryMiB || timeoutMs > defaults.timeoutMs) return false;
  return egressRules(net).length === 0;
}

/** True if a process that was started for the default settings has the permissions that these ask for. */
export function runsInPlace(settings: Settings, limits: Limits): boolean {
  const [wanted, waiting] = [settings, defaultSettings(limits)].map(instanceArguments);
  return JSON.stringify(wanted) === JSON.stringify(waiting);
}

/** What a pod is sent, sealed for it; can be made before the pod is claimed. */
export async function sealLoad(load: Load, { uid, sealer, limits }: SealOptions): Promise<Uint8Array> {
  const { name, version, settings, bundle } = load;
  const start: StartMessage = {
    bundle: `file://${BUNDLE}`,
    listen: { port: PORT },
    function: { name, version },
    concurrency: settings.concurrency,
    env: [...Object.keys(settings.env), "TMPDIR"],
  };
  const message = {
    start,
    inPlace: runsInPlace(settings, limits),
    arguments: [...instanceArguments(settings), RUNTIME],
    env: { TMPDIR: SCRATCH, ...settings.env, [START_VARIABLE]: JSON.stringify(start) },
  };
  return await sealer.seal(encodeLoad(message, unpackedIfSmall(bundle)), uid);
}

/**
 * Gives a claimed pod its function; resolves when that takes calls.
 * @throws Error when the pod does not take it, or it does not start
 */
export async function sendLoad(sealed: Uint8Array, options: SendOptions): Promise<void> {
  const { address, version, signal } = options;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const response = await request(`http://${host}:${address.port}/`, {
    method: "POST",
    headers: { [LOAD_HEADER]: "1", "content-type": "application/octet-stream" },
    body: sealed,
    signal,
  });
  const text = await response.body.text();
  if (response.statusCode === 204) return;
  if (response.statusCode !== 202) throw new Error(`the pod answered ${response.statusCode}: ${text.trim()}`);
  if (!(await answersProbe(address, { signal, version }))) throw new Error("it did not answer in time");
}

/**
 * Here it takes a fraction of a millisecond; in the pod, which has yet to load what it needs for that, several. Gzip packs
 * up to a thousandfold: without a limit on what comes out, 64 KiB could hold up all calls of a router for a tenth of a second.
 */
function unpackedIfSmall(bundle: Uint8Array): Uint8Array {
  if (bundle.length > SMALL_BYTES) return bundle;
  try {
    return gunzipSync(bundle, { maxOutputLength: UNPACKED_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") return bundle;
    throw error;
  }
}
