import { gunzipSync } from "node:zlib";
import { request } from "undici";
import { encodeLoad, LOAD_HEADER } from "../../../client-image/load-message.ts";
import type { ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import type { Sealer } from "../../../client-image/sealed.ts";
import { START_VARIABLE, type StartMessage } from "../../../client-image/start-message.ts";
import { denoRunArguments, programArguments, projectVariables } from "../../../runtimes/deno/deno-flags.ts";
import type { Limits } from "../../limits.ts";
import type { Address } from "../../platform.ts";
import { START_DEFAULTS } from "../../settings/runtime.ts";
import { defaultSettings, type Settings } from "../../settings/settings.ts";
import type { KeptVersion } from "../cluster/resources.ts";
import { artifactAt, BUNDLE, FOLDERS, RUNTIME } from "../objects/deno-pod.ts";
import { egressRules } from "../objects/egress-rules.ts";
import { PORT } from "../objects/names.ts";
import { PROJECT, SCRATCH } from "../objects/pod-parts.ts";
import { answersProbe } from "../starting/instance-probe.ts";
import type { PackedVersion } from "./bundle-cache.ts";

/** Files of a pod of the pool; pool.sh uses the same names. */
export const RESTART = "/work/start.sh";
export const IN_PLACE = "/work/in-place";
/** The pod's own key; the waiting process removes it after reading. */
export const KEY = "/skiff/key/own";

/** A gzipped bundle up to this size is sent unpacked, unless it unpacks to more than UNPACKED_BYTES. */
const SMALL_BYTES = 64 * 1024;
const UNPACKED_BYTES = 512 * 1024;

/** A version that a pod loads. */
export interface Load extends PackedVersion {
  readonly name: string;
  readonly version: number;
}

export interface SealOptions {
  /** Uid of the pod. */
  readonly uid: string;
  readonly sealer: Sealer;
  readonly limits: Limits;
}

export interface SendOptions {
  readonly address: Extract<Address, { host: string }>;
  readonly version: number;
  readonly signal: AbortSignal;
}

/** Returns Deno's flags for a pod with these settings that waits in the pool. */
export function poolArguments(settings: Settings): string[] {
  const own = [KEY, RESTART, `${RESTART}.new`, IN_PLACE];
  const runtime = { read: [PROJECT, ...own], write: [BUNDLE, PROJECT, ...own] };
  return denoRunArguments({ ...sandbox(settings, undefined), runtime });
}

/** Returns Deno's arguments for a started function with these settings. */
function instanceArguments(settings: Settings, project?: ProjectLaunch): string[] {
  const flags = denoRunArguments({ ...sandbox(settings, project), runtime: { read: [], write: [] } });
  return [...flags, ...programArguments(RUNTIME, artifactAt(project))];
}

function sandbox(settings: Settings, project: ProjectLaunch | undefined) {
  const artifact = artifactAt(project);
  return { settings, artifact, scratch: SCRATCH, listen: { port: PORT }, ownAddresses: [] };
}

/** Settings that are fixed when a pod is created. */
type PodSettings = Pick<
  KeptVersion,
  "memoryMiB" | "timeoutMs" | "net" | "secrets" | "runtime" | "isolation" | "runtimeClass"
>;

/**
 * Returns true if pods of the pool have the memory of the version and its drain time. A version with private addresses
 * needs its own pods: its NetworkPolicy does not select a claimed pod. Pods of the pool run Deno.
 */
export function fitsPool(settings: PodSettings, limits: Limits): boolean {
  const { memoryMiB, timeoutMs, net, secrets = {} } = settings;
  const defaults = defaultSettings(limits);
  const { runtime, isolation, runtimeClass } = { ...START_DEFAULTS, ...settings };
  if (runtime !== "deno" || isolation === "call" || runtimeClass !== "") return false;
  if (Object.keys(secrets).length > 0) return false;
  if (memoryMiB !== defaults.memoryMiB || timeoutMs > defaults.timeoutMs) return false;
  return egressRules(net).length === 0;
}

/** Returns true if a process with the default settings has the permissions of these settings. */
export function runsInPlace(settings: Settings, limits: Limits): boolean {
  const [wanted, waiting] = [settings, defaultSettings(limits)].map((each) => instanceArguments(each));
  return JSON.stringify(wanted) === JSON.stringify(waiting);
}

/** Seals the message for a pod. Works before the pod is claimed. */
export async function sealLoad(load: Load, { uid, sealer, limits }: SealOptions): Promise<Uint8Array> {
  const { name, version, settings, bundle, project } = load;
  const isProject = project !== undefined;
  const start: StartMessage = {
    ...(isProject ? { replaced: project.replaced } : { bundle: `file://${BUNDLE}` }),
    listen: { port: PORT },
    function: { name, version },
    concurrency: settings.concurrency,
    env: [...Object.keys(settings.env), ...Object.keys(FOLDERS)],
  };
  const message = {
    start,
    // Deno reads the configuration of a project when it starts.
    inPlace: !isProject && runsInPlace(settings, limits),
    ...(isProject ? { project: PROJECT } : {}),
    arguments: instanceArguments(settings, project),
    env: {
      ...FOLDERS,
      ...settings.env,
      ...projectVariables(project),
      [START_VARIABLE]: JSON.stringify(start),
    },
  };
  return await sealer.seal(encodeLoad(message, unpackedIfSmall(bundle)), uid);
}

/**
 * Sends a claimed pod its function, and resolves when the function takes calls.
 * @throws Error if the pod rejects it, or the function does not start
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
  if (!(await answersProbe(address, { signal, version }))) throw new Error("the pod did not answer in time");
}

/**
 * Unpacks a small bundle here in a fraction of a millisecond; the pod needs several. Gzip packs up to a thousandfold:
 * without the output limit, 64 KiB could block a router for 100 ms.
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
