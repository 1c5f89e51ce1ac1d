import { isSameStart } from "../../../runtimes/start-order.ts";
import { deploy } from "../../deploying.ts";
import type { Draft, Source, Traffic } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { checkHostsFree } from "../../settings/host-names.ts";
import { canonicalSettings, type Settings } from "../../settings/settings.ts";
import { currentVersion } from "../../traffic.ts";
import { sourceHash, versionHash } from "../../version-hash.ts";
import type { FunctionResource } from "../cluster/resources.ts";
import {
  checkedSettings,
  inlineSourceHash,
  inlineSourceType,
  rulesOf,
} from "../objects/function-resource.ts";
import type { Fault } from "../objects/function-status.ts";
import type { VersionRecord } from "../versions/versions.ts";
import type { ControlOptions } from "./cluster-view.ts";
import { declaredImage } from "./declared-image.ts";
import { completeSecrets } from "./declared-secrets.ts";

/** Faults that pass: a quota, a node, an image or a secret may appear, and another function may give a host name up. */
const RETRIED: ReadonlySet<string> = new Set([
  "StartFailed",
  "HostTaken",
  "NoCapacity",
  "UnknownSecret",
  "ImageUnavailable",
]);
const RETRY_START_MS = 60_000;
const LEAST_RETRY_MS = 1_000;

/** The complete versions of a function. */
export interface Present {
  readonly records: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** Undefined without traffic, or if the code of the current version is lost. */
  readonly current: VersionRecord | undefined;
}

interface Failed {
  /** A Function that is deleted and created again numbers its generations from 1 again. */
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly fault: Fault;
  readonly retryAtMs: number;
}

/** Deploys the inline source and the settings in the `spec` of Functions, and versions that were chosen by hand. */
export class Declared {
  readonly #options: ControlOptions;
  readonly #failed = new Map<string, Failed>();

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** Deploys or routes `spec` if it differs from the current version. Returns the reason if it cannot. */
  async deploy(
    resource: FunctionResource,
    present: Present,
    signal: AbortSignal,
  ): Promise<Fault | undefined> {
    const { platform, limits, print } = this.#options;
    const { name, generation, uid } = resource.metadata;
    const failed = this.#failed.get(name);
    const isSameSpec = failed?.uid === uid && failed?.generation === generation;
    if (failed && isSameSpec && failed.retryAtMs > performance.now()) return failed.fault;
    this.#failed.delete(name);
    try {
      const { current, records } = present;
      const checked = checkedSettings(resource.spec, limits);
      const settings = await completeSecrets(platform.secrets, checked, current?.settings);
      const order = { name, settings, current, signal };
      const image = await declaredImage(resource.spec, order, platform);
      const inlineHash = image ? await sourceHash(image) : inlineSourceHash(resource.spec);
      if (!current && inlineHash === undefined) return records.length > 0 ? undefined : codeMissing(resource);
      const isSameSource = inlineHash === undefined || inlineHash === current?.sourceHash;
      const isSame = (record: VersionRecord) =>
        canonicalSettings(record.settings) === canonicalSettings(settings);
      const served = records.find(({ version }) => version === resource.status?.version);
      if (current && isSameSource) {
        // Somebody has written another version into `spec`, with the settings of the one before or its own.
        const isChosen = served !== undefined && served !== current && [served, current].some(isSame);
        if (isChosen) {
          checkHostsFree(name, current.settings.hosts, platform.allEndpoints());
          return await this.#route(resource, present.traffic, signal);
        }
        if (isSame(current)) return undefined;
      }
      checkHostsFree(name, settings.hosts, platform.allEndpoints());
      const draft = await this.#draft(resource, { settings, current, image }, signal);
      const { version, unchanged } = await deploy(platform, draft, signal);
      if (!unchanged) print(`${name}: version ${version} deployed from its Function`);
      return undefined;
    } catch (error) {
      if (!(error instanceof Problem) || isPassing(error)) throw error;
      const fault = faultOf(error);
      const retryAtMs = RETRIED.has(fault.reason)
        ? performance.now() + RETRY_START_MS
        : Number.POSITIVE_INFINITY;
      this.#failed.set(name, { uid, generation, fault, retryAtMs });
      return fault;
    }
  }

  /** Returns the milliseconds until the retry of a failed start; undefined without a retry. */
  retryInMs(name: string): number | undefined {
    const failed = this.#failed.get(name);
    // A failed build is not retried until the Function changes.
    if (failed === undefined || !Number.isFinite(failed.retryAtMs)) return undefined;
    return Math.max(LEAST_RETRY_MS, failed.retryAtMs - performance.now());
  }

  /** Routes as a rollback does: instances first, then `spec` with the settings of the version, and the status. */
  async #route(
    { metadata: { name }, spec }: FunctionResource,
    traffic: Traffic,
    signal: AbortSignal,
  ): Promise<undefined> {
    const { platform, print } = this.#options;
    await platform.route(name, traffic, signal, rulesOf(spec));
    print(`${name}: version ${currentVersion(traffic)} takes the calls, as its Function says`);
  }

  forget(name: string): void {
    this.#failed.delete(name);
  }

  async #draft(
    { metadata: { name }, spec }: FunctionResource,
    { settings, current, image }: DraftOrder,
    signal: AbortSignal,
  ): Promise<Draft> {
    const source: Source | undefined =
      spec.source === undefined
        ? image
        : { type: inlineSourceType(settings.runtime), bytes: Buffer.from(spec.source) };
    const hashed = source === undefined ? current!.sourceHash : await sourceHash(source);
    const note = { by: "kubernetes" };
    const draft = { name, hash: versionHash(hashed, settings), sourceHash: hashed, settings, note };
    const { entry } = settings;
    const isSame = current?.settings.entry === entry && isSameStart(current.settings, settings);
    if (current?.sourceHash === hashed && isSame) {
      return { ...draft, content: { sameAs: current.version } };
    }
    const { build, platform } = this.#options;
    const found = source ?? (await platform.readSource(name, current!.version));
    if (found === undefined) throw sourceMissing(current!);
    return { ...draft, content: { source: found, artifact: await build(found, { settings, signal }) } };
  }
}

interface DraftOrder {
  readonly settings: Settings;
  readonly current: VersionRecord | undefined;
  readonly image: Source | undefined;
}

function sourceMissing({ name, version }: VersionRecord): Problem {
  const detail = `The source of version ${version} of "${name}" is missing: deploy the function again.`;
  return new Problem("unknown_version", detail);
}

/** Returns true for failures of the API server or another deploy, which the queue retries soon. */
function isPassing({ status, code }: Problem): boolean {
  return (status === 429 || status === 503) && code !== "no_capacity";
}

function codeMissing({ spec }: FunctionResource): Fault {
  const message =
    spec.version === undefined
      ? "The Function has no source: set spec.source or spec.image, or deploy it with POST /func."
      : `ConfigMaps with the code of version ${spec.version} are missing: deploy the function again.`;
  return { reason: "CodeMissing", message };
}

function faultOf({ code, detail }: Problem): Fault {
  const reason = code.replaceAll(/(^|_)([a-z])/g, (_, _gap: string, letter: string) => letter.toUpperCase());
  return { reason, message: detail };
}
