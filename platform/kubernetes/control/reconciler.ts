import { deploy } from "../../deploying.ts";
import type { Limits } from "../../limits.ts";
import type { Bundle, Draft, Source } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { canonicalSettings, type Settings } from "../../settings.ts";
import { currentOf } from "../../traffic.ts";
import { sourceHash, versionHash } from "../../version-hash.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "../cluster/mirror.ts";
import {
  type Deployment,
  type FunctionResource,
  KINDS,
  type Kind,
  type Pod,
  type Resource,
} from "../cluster/resources.ts";
import type { KubernetesPlatform } from "../kubernetes-platform.ts";
import { type Child, covers } from "../objects/children.ts";
import { checkedSettings } from "../objects/function-spec.ts";
import { inlineSourceHash, publishingSince } from "../objects/function-state.ts";
import { type Fault, functionStatus } from "../objects/function-status.ts";
import { ANNOTATIONS, deploymentName, LABELS } from "../objects/names.ts";
import { ObjectsByFunction } from "../objects/objects-by-function.ts";
import { ABANDONED_MS } from "../publishing/publish-turns.ts";
import { allRecordsOf, missingParts, recordsOf, type VersionRecord } from "../versions/versions.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ReconcilerOptions {
  readonly api: KubeApi;
  readonly platform: KubernetesPlatform;
  readonly namespace: string;
  readonly limits: Limits;
  /** @throws Problem `build_failed`, `invalid_source` */
  readonly build: (source: Source, signal: AbortSignal) => Promise<Bundle>;
  /** Where a function is called, for `status.url`. */
  readonly urlOf: (name: string) => string;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes;
}

/** Everything is looked at again after this time, whatever the watches said. */
const RESYNC_MS = 5 * 60_000;
/** A version that did not start is tried again: a quota, a node or an image may have come meanwhile. */
const RETRY_START_MS = 60_000;

/** Time that a deploy takes before the status tells of it. */
const QUIET_MS = 1_000;

interface Failed {
  /** A Function that was deleted and made again counts its generations from 1 again. */
  readonly uid: string | undefined;
  readonly generation: number | undefined;
  readonly fault: Fault;
  readonly retryAtMs: number;
}

/**
 * Makes the cluster what the Functions say, again and again: level-triggered, so that it does not matter which events
 * were missed. One leader at a time runs it.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #queue: WorkQueue;
  readonly #configMaps = new ObjectsByFunction<Resource>();
  readonly #children: Readonly<Record<string, Mirror<Resource>>>;
  readonly #deployments: Mirror<Deployment>;
  readonly #pods: Mirror<Pod>;
  readonly #parts: Mirror<Resource>;
  readonly #failed = new Map<string, Failed>();
  readonly #unwatch: () => void;
  readonly #resync: NodeJS.Timeout;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({
      work: (name, signal) => this.#reconcile(name, signal),
      onFailure: (name, error) => options.print(`${name}: ${(error as Error).message}`),
    });
    const kinds = [KINDS.services, KINDS.autoscalers, KINDS.networkPolicies];
    this.#children = Object.fromEntries(kinds.map((kind) => [kind.plural, this.#mirror(kind)]));
    this.#deployments = this.#mirror<Deployment>(KINDS.deployments);
    this.#pods = this.#mirror<Pod>(KINDS.pods);
    this.#parts = this.#mirror(KINDS.configMaps, { metadataOnly: true, objects: this.#configMaps });
    this.#unwatch = options.platform.watchFunctions((name) => this.#queue.add(name));
    this.#resync = setInterval(() => this.#addAll(), RESYNC_MS);
    void this.#synced().then(() => this.#addAll());
  }

  /** How many pods a function should have, as it was last seen; undefined if there is no Deployment. */
  replicas(name: string): number | undefined {
    return this.deployment(name)?.spec.replicas;
  }

  /** The Deployment as it was last seen. */
  deployment(name: string): Deployment | undefined {
    return this.#deployments.get(deploymentName(name));
  }

  async close(): Promise<void> {
    clearInterval(this.#resync);
    this.#unwatch();
    await this.#queue.close();
    const mirrors = [...Object.values(this.#children), this.#deployments, this.#pods, this.#parts];
    await Promise.all(mirrors.map((mirror) => mirror.close()));
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    const { platform } = this.#options;
    await this.#synced();
    const resource = platform.mirror.functions.get(name);
    if (!resource || resource.metadata.deletionTimestamp !== undefined) {
      this.#failed.delete(name);
      return undefined;
    }
    const since = publishingSince(resource);
    const abandonedMs = 2 * this.#options.limits.startMs + ABANDONED_MS;
    if (since !== undefined) {
      const leftMs = since + abandonedMs - Date.now();
      if (leftMs <= 0) return await this.#recover(resource);
      // Most are over before anybody could read of them, and sooner without a word from here.
      if (leftMs > abandonedMs - QUIET_MS) return QUIET_MS;
      await this.#report(resource, undefined, true);
      return leftMs;
    }
    const records = recordsOf([...this.#configMaps.of(name)]);
    const isCurrent = ({ version }: VersionRecord) => version === resource.spec.version;
    // The copy of the ConfigMaps may be behind that of the Functions.
    const current =
      records.find(isCurrent) ??
      (await platform.versions.records(name)).find(isCurrent) ??
      (await this.#restore(resource, signal));
    const fault = await this.#deploy(resource, current, signal);
    if (current) await this.#repair(resource, current);
    await this.#report(resource, fault, false);
    const failed = this.#failed.get(name);
    // What does not build stays as it is until somebody changes it.
    if (failed === undefined || !Number.isFinite(failed.retryAtMs)) return undefined;
    return Math.max(1_000, failed.retryAtMs - performance.now());
  }

  /** Builds a bundle again whose ConfigMaps somebody has deleted, from its source. A lost source stays lost. */
  async #restore(resource: FunctionResource, signal: AbortSignal): Promise<VersionRecord | undefined> {
    const { platform, build, print } = this.#options;
    const { name, uid } = resource.metadata;
    const parts = [...this.#configMaps.of(name)];
    const record = allRecordsOf(parts).find(({ version }) => version === resource.spec.version);
    if (!record) return undefined;
    if (!missingParts(record, parts).includes("bundle")) return record;
    const source = missingParts(record, parts).includes("source")
      ? undefined
      : await platform.versions.readSource(record);
    if (!source) return undefined;
    const bundle = await build(source, signal);
    if (!(await platform.versions.restoreBundle(record, { name, uid: uid! }, bundle))) return undefined;
    print(`${name}: the bundle of version ${record.version} was built again`);
    return record;
  }

  /** Makes a version of what `spec` says, if it is none yet. Returns why not. */
  async #deploy(
    resource: FunctionResource,
    current: VersionRecord | undefined,
    signal: AbortSignal,
  ): Promise<Fault | undefined> {
    const { name, generation, uid } = resource.metadata;
    const failed = this.#failed.get(name);
    const isSame = failed?.uid === uid && failed?.generation === generation;
    if (failed && isSame && failed.retryAtMs > performance.now()) return failed.fault;
    this.#failed.delete(name);
    try {
      const settings = checkedSettings(resource.spec, this.#options.limits);
      const inlineHash = inlineSourceHash(resource.spec);
      const isSameSource = inlineHash === undefined || inlineHash === current?.sourceHash;
      const isSameSettings = current && canonicalSettings(current.settings) === canonicalSettings(settings);
      if (current && isSameSource && isSameSettings) return undefined;
      const draft = await this.#draft(resource, { settings, current, signal });
      if (!draft) return codeMissing(resource);
      const { version, unchanged } = await deploy(this.#options.platform, draft, signal);
      if (!unchanged) this.#options.print(`${name}: version ${version} deployed from its Function`);
      return undefined;
    } catch (error) {
      if (!(error instanceof Problem) || isPassing(error)) throw error;
      const fault = faultOf(error);
      const retryAtMs =
        fault.reason === "StartFailed" ? performance.now() + RETRY_START_MS : Number.POSITIVE_INFINITY;
      // Publishing has changed the object twice: what was tried is what it says now.
      const now = this.#options.platform.mirror.functions.get(name)?.metadata.generation ?? generation;
      this.#failed.set(name, { uid, generation: Math.max(now ?? 0, generation ?? 0), fault, retryAtMs });
      return fault;
    }
  }

  async #draft(
    { metadata, spec }: FunctionResource,
    {
      settings,
      current,
      signal,
    }: { settings: Settings; current: VersionRecord | undefined; signal: AbortSignal },
  ): Promise<Draft | undefined> {
    const { build, platform } = this.#options;
    const { name } = metadata;
    const inline = spec.source;
    if (inline === undefined) {
      // A version whose source or bundle is lost is not found.
      const stored = current && (await platform.find(name, current.version));
      if (!stored) return undefined;
      const hash = versionHash(stored.sourceHash, settings);
      return { name, hash, sourceHash: stored.sourceHash, settings, content: { sameAs: stored.version } };
    }
    const source: Source = { type: "text/typescript", bytes: Buffer.from(inline) };
    const hashed = await sourceHash(source);
    const bundle = await build(source, signal);
    return {
      name,
      hash: versionHash(hashed, settings),
      sourceHash: hashed,
      settings,
      content: { source, bundle },
    };
  }

  /** Whatever of a version was changed or deleted by hand is made again. */
  async #repair({ metadata }: FunctionResource, record: VersionRecord): Promise<void> {
    const { platform } = this.#options;
    const { name, uid } = metadata;
    const owner = { name, uid: uid! };
    const wrong = platform.children.of(record, owner).filter((child) => this.#differs(child));
    if (wrong.length > 0 && !(await this.#isStill(metadata))) return;
    for (const child of wrong) {
      await platform.children.applyOne(child);
      this.#options.print(`${name}: ${child.kind.plural} ${child.name} made as it should be`);
    }
    const deployment = this.deployment(name);
    const replicas = deployment?.spec.replicas ?? 1;
    if (deployment && replicas < record.settings.min)
      await platform.children.scale(name, record.settings.min);
  }

  #differs({ kind, name, manifest }: Child): boolean {
    const live = (kind === KINDS.deployments ? this.#deployments : this.#mirrorOf(kind)).get(name);
    if (manifest === undefined) return live !== undefined && live.metadata.deletionTimestamp === undefined;
    // An item of a list does not say of which kind it is, unlike the object of a watch.
    const { apiVersion: _, kind: __, ...says } = manifest as { apiVersion?: string; kind?: string };
    // What is being deleted comes back when it is gone.
    return live === undefined || (live.metadata.deletionTimestamp === undefined && !covers(live, says));
  }

  /** A deploy may have begun that the copy of the Functions does not show yet: it must not be undone. */
  async #isStill({ name, resourceVersion }: Resource["metadata"]): Promise<boolean> {
    const { api, namespace } = this.#options;
    const fresh = await api.get<FunctionResource>({ kind: KINDS.functions, namespace, name });
    if (fresh?.metadata.resourceVersion === resourceVersion) return true;
    this.#queue.add(name);
    return false;
  }

  /** A manager died while it published: what serves is made official, what does not is taken back. */
  async #recover(resource: FunctionResource): Promise<number | undefined> {
    const { api, platform, namespace, print } = this.#options;
    const { metadata, spec, status } = resource;
    const { name } = metadata;
    const place = { kind: KINDS.functions, namespace, name };
    const serving = currentOf(platform.endpoints(name));
    const serves =
      spec.version !== undefined && serving?.version === spec.version && serving.instances.length > 0;
    if (status?.version === undefined && spec.source === undefined && !serves) {
      print(`${name}: a first deploy that was interrupted is removed`);
      await api.delete(place, "Foreground", { uid: metadata.uid! });
      return undefined;
    }
    const annotations = { ...metadata.annotations };
    delete annotations[ANNOTATIONS.publishingSince];
    const { version: _, ...rest } = spec;
    const target = serves ? spec.version : status?.version;
    print(`${name}: a deploy that was interrupted is ${serves ? "completed" : "taken back"}`);
    if (serves) await api.patch({ ...place, subresource: "status" }, { status: { version: spec.version } });
    const fresh = await api.get<FunctionResource>(place);
    if (!fresh) return undefined;
    const record = recordsOf([...this.#configMaps.of(name)]).find(({ version }) => version === target);
    const settings = record ? specSettings(record) : {};
    await api.replace(place, {
      ...fresh,
      metadata: { ...fresh.metadata, annotations },
      spec: { ...rest, ...settings, ...(target === undefined ? {} : { version: target }) },
    });
    return 0;
  }

  async #report(resource: FunctionResource, fault: Fault | undefined, publishing: boolean): Promise<void> {
    const { api, namespace, platform, urlOf } = this.#options;
    const { name, uid } = resource.metadata;
    const latest = platform.mirror.functions.get(name);
    if (!latest || latest.metadata.uid !== uid) return;
    const pods = [...this.#pods.values()].filter(
      ({ metadata }) => metadata.labels?.[LABELS.function] === name,
    );
    const deployment = this.deployment(name);
    const input = { resource: latest, deployment, pods, fault, publishing, url: urlOf(name) };
    const status = functionStatus(input, new Date());
    if (latest.status && covers(latest.status, status)) return;
    try {
      // The version belongs to who publishes; a status of an older look must not take it back.
      const { version: _, ...mine } = status;
      await api.patch({ kind: KINDS.functions, namespace, name, subresource: "status" }, { status: mine });
    } catch (error) {
      if (!hasStatus(error, 404)) throw error;
    }
  }

  #synced(): Promise<unknown> {
    const mirrors = [...Object.values(this.#children), this.#deployments, this.#pods, this.#parts];
    return Promise.all([this.#options.platform.synced, ...mirrors.map((mirror) => mirror.synced)]);
  }

  #addAll(): void {
    for (const { metadata } of this.#options.platform.mirror.functions.values())
      this.#queue.add(metadata.name);
  }

  #mirrorOf(kind: Kind): Mirror<Resource> {
    return this.#children[kind.plural]!;
  }

  #mirror<T extends Resource>(
    kind: Kind,
    {
      metadataOnly = false,
      objects = new ObjectsByFunction<T>(),
    }: { metadataOnly?: boolean; objects?: ObjectsByFunction<T> } = {},
  ): Mirror<T> {
    const { api, namespace, print, times } = this.#options;
    return new Mirror<T>({
      api,
      place: { kind, namespace },
      labelSelector: LABELS.function,
      metadataOnly,
      onTrouble: (reason) => print(`the cluster cannot be watched: ${reason}`),
      onChange: (key, object) => {
        const name = objects.set(key, object);
        if (name !== undefined) this.#queue.add(name);
      },
      ...(times ? { times } : {}),
    });
  }
}

/** The cluster or another deploy is in the way: the version is not to blame, and the queue tries again. */
function isPassing({ status }: Problem): boolean {
  return status === 429 || status === 503;
}

function specSettings({ settings }: VersionRecord): object {
  return { ...settings };
}

function codeMissing({ spec }: FunctionResource): Fault {
  const message =
    spec.version === undefined
      ? "The Function has no source: set spec.source, or deploy it with POST /func."
      : `The code of version ${spec.version} is gone from its ConfigMaps: deploy the function again.`;
  return { reason: "CodeMissing", message };
}

function faultOf({ code, detail }: Problem): Fault {
  const reason = code.replaceAll(/(^|_)([a-z])/g, (_, _gap: string, letter: string) => letter.toUpperCase());
  return { reason, message: detail };
}
