import type { Limits } from "../limits.ts";
import type { Bundle, Draft, Published } from "../platform.ts";
import { Problem } from "../problems.ts";
import type { KubeApi } from "./api.ts";
import { hasStatus } from "./api-error.ts";
import type { Children } from "./children.ts";
import { specOf } from "./function-spec.ts";
import { inlineSourceHash, publishingSince } from "./function-state.ts";
import type { Owner } from "./manifests.ts";
import { delay } from "./mirror.ts";
import { ANNOTATIONS, GROUP, LABELS } from "./names.ts";
import type { PoolSupply } from "./pool/pool-supply.ts";
import { NotReady, type ReadinessOptions, startFailed, versionServes } from "./readiness.ts";
import { type FunctionResource, KINDS, type Place } from "./resources.ts";
import type { VersionStore } from "./version-store.ts";
import { type VersionRecord, versionsToForget } from "./versions.ts";

const TRIES = 8;
const TURN_PAUSE_MS = 200;
/** A publish that began this long after its limits is one whose manager died. */
export const ABANDONED_MS = 15_000;

export interface PublisherOptions extends ReadinessOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly store: VersionStore;
  readonly children: Children;
  readonly onTrouble: (reason: string) => void;
  /** Ready pods; a version that gets one serves before its own pods have started. */
  readonly supply?: PoolSupply;
  /** Waits until all who send calls know of the version. */
  readonly spread?: (name: string, version: number) => Promise<void>;
}

interface Begun {
  /** As it was before the publish, but for the mark. */
  readonly resource: FunctionResource;
  readonly created: boolean;
  /** Made by this publish: nothing can have been stored for it before. */
  readonly isNew?: boolean;
}

/**
 * Makes versions current. One publish of a function at a time in the whole cluster: the annotation
 * `publishing-since` is set with the object's resourceVersion as condition, and whoever finds it waits.
 */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** @throws Problem `start_failed`; ApiError, ApiUnreachable */
  async publish(draft: Draft, signal?: AbortSignal): Promise<Published> {
    const { store, endpoints } = this.#options;
    const { name } = draft;
    const begun = await this.#begin(draft, signal);
    if ("unchanged" in begun) return begun;
    const { resource, created, isNew = false } = begun;
    const owner = { name, uid: resource.metadata.uid! };
    let stored: VersionRecord | undefined;
    const failed = new AbortController();
    try {
      const records = isNew ? [] : await store.records(name);
      signal?.throwIfAborted();
      const numbers = records.map(({ version }) => version);
      // Pods of a version that was taken back may take calls for a moment still: its number is not used again then.
      const ready = isNew ? 0 : endpoints.newestReady(name);
      const newest = Math.max(resource.spec.version ?? 0, ready, ...numbers);
      stored = await store.store(draft, owner, newest + 1);
      signal?.throwIfAborted();
      this.#supply({ record: stored, bundle: draft.bundle, owner }, failed.signal);
      const named = this.#replaceSpec(resource, (spec) => ({
        // An inline source that was not what is published is from before: what was posted last counts.
        ...(inlineSourceHash(spec) === stored!.sourceHash ? { source: spec.source! } : {}),
        ...specOf(draft.settings),
        version: stored!.version,
      }));
      await both(named, this.#bringUp(stored, owner));
      await this.#serves(stored, signal);
      if (endpoints.functions.get(name)?.metadata.uid !== owner.uid) throw removed(name);
      await this.#finish(stored, created);
      await this.#forget(stored, records);
    } catch (error) {
      failed.abort(error);
      await this.#undo(begun, stored).catch((failure: Error) => {
        // Whoever leads finds the mark of the publish and puts the version before back.
        this.#options.onTrouble(`${name}: undoing a failed deploy failed as well: ${failure.message}`);
      });
      throw error instanceof NotReady ? startFailed(error) : error;
    }
    return { name, version: stored.version, created, unchanged: false };
  }

  /**
   * As many instances as serve now, for calls change over when there are as many of the new version. In the background:
   * whether it helps is seen by the endpoints, and without it everything works the same.
   */
  #supply(version: { record: VersionRecord; bundle: Bundle; owner: Owner }, signal: AbortSignal): void {
    const { supply, endpoints, onTrouble } = this.#options;
    const { name } = version.owner;
    const serving = endpoints.get(name)?.instances.length ?? 0;
    const wanted = Math.max(1, Math.min(serving, supply?.free ?? 0));
    for (let count = 0; count < wanted; count++) {
      supply?.forVersion(version, { signal }).catch((error: Error) => {
        if (!signal.aborted) onTrouble(`${name}: the pool could not be asked: ${error.message}`);
      });
    }
  }

  async #bringUp(record: VersionRecord, owner: Owner): Promise<void> {
    const { children } = this.#options;
    const deployment = await children.apply(record, owner);
    const least = Math.max(1, record.settings.min);
    if ((deployment.spec.replicas ?? 1) < least) await children.scale(record.name, least);
  }

  /** Resolves when calls go to the version, everywhere. */
  async #serves({ name, version }: VersionRecord, signal?: AbortSignal): Promise<void> {
    const { limits, spread } = this.#options;
    await versionServes({ name, version, withinMs: limits.startMs, signal }, this.#options);
    await spread?.(name, version);
  }

  /** Takes the turn of this function, or finds that there is nothing to do. */
  async #begin(draft: Draft, signal?: AbortSignal): Promise<Begun | Published> {
    const { api, namespace, limits, store } = this.#options;
    const { name, hash } = draft;
    const deadlineMs = performance.now() + 2 * limits.startMs + ABANDONED_MS;
    const stop = signal ?? new AbortController().signal;
    while (performance.now() < deadlineMs) {
      stop.throwIfAborted();
      const resource = await api.get<FunctionResource>(this.#place(name));
      const since = resource && publishingSince(resource);
      if (resource?.metadata.deletionTimestamp !== undefined || since !== undefined) {
        await delay(TURN_PAUSE_MS, stop);
        continue;
      }
      const version = resource?.spec.version;
      if (version !== undefined && resource?.status?.version === version) {
        const current = (await store.records(name)).find((record) => record.version === version);
        if (current?.hash === hash) return { name, version, created: false, unchanged: true };
      }
      try {
        const now = new Date().toISOString();
        const annotations = { [ANNOTATIONS.publishingSince]: now };
        if (!resource) {
          const body = newFunction(draft, namespace, { ...annotations, [ANNOTATIONS.createdAt]: now });
          return {
            resource: await api.create<FunctionResource>(this.#place(), body),
            created: true,
            isNew: true,
          };
        }
        const { resourceVersion } = resource.metadata;
        const patch = { metadata: { resourceVersion, annotations } };
        return {
          resource: await api.patch<FunctionResource>(this.#place(name), patch),
          created: version === undefined,
        };
      } catch (error) {
        // Somebody else was first: look again.
        if (!hasStatus(error, 409)) throw error;
      }
    }
    const detail = `Another deploy of "${name}" has not ended; try again in a moment.`;
    throw new Problem("too_many_waiting", detail, { retryAfterS: 5 });
  }

  async #finish({ name, version }: VersionRecord, created: boolean): Promise<void> {
    const { api } = this.#options;
    const now = new Date().toISOString();
    const annotations = {
      [ANNOTATIONS.publishingSince]: null,
      ...(created ? {} : { [ANNOTATIONS.updatedAt]: now }),
    };
    const status = { ...this.#place(name), subresource: "status" };
    await api.patch(status, { status: { version } });
    await api.patch(this.#place(name), { metadata: { annotations } });
  }

  async #forget(current: VersionRecord, before: readonly VersionRecord[]): Promise<void> {
    const { store, limits } = this.#options;
    const forget = versionsToForget([...before, current], limits.versionsKept, [current.version]);
    for (const record of forget) await store.forget(record);
  }

  /** Puts back what was there before a publish that failed. */
  async #undo({ resource, created }: Begun, stored: VersionRecord | undefined): Promise<void> {
    const { api, store, children } = this.#options;
    const { name, uid } = resource.metadata;
    const isApplied = resource.spec.source !== undefined;
    if (created && !isApplied) {
      // In the foreground, so that the next deploy waits until nothing of this one is left.
      // One that somebody else has made meanwhile is theirs.
      await api.delete(this.#place(name), "Foreground", { uid: uid! }).catch((error: unknown) => {
        if (!hasStatus(error, 409)) throw error;
      });
      return;
    }
    await this.#replaceSpec(resource, () => resource.spec);
    const records = await store.records(name);
    const before = records.find(({ version }) => version === resource.spec.version);
    if (before) {
      const deployment = await children.apply(before, { name, uid: uid! });
      const slept = this.#options.endpoints.get(name)?.instances.length === 0 && before.settings.min === 0;
      if (slept && deployment.spec.replicas !== 0) await children.scale(name, 0);
    } else await children.remove(name);
    if (stored) await store.forget(stored);
    await api.patch(this.#place(name), {
      metadata: { annotations: { [ANNOTATIONS.publishingSince]: null } },
    });
  }

  /** `known` is the Function as it was last seen; most of the time nobody has changed it since. */
  async #replaceSpec(
    known: FunctionResource,
    change: (spec: FunctionResource["spec"]) => FunctionResource["spec"],
  ): Promise<void> {
    const { api } = this.#options;
    const { name, uid } = known.metadata;
    let resource: FunctionResource | undefined = known;
    for (let attempt = 1; ; attempt++) {
      // One of the same name may have been made since.
      const isThere = resource?.metadata.uid === uid && resource?.metadata.deletionTimestamp === undefined;
      if (!resource || !isThere) throw removed(name);
      try {
        await api.replace(this.#place(name), { ...resource, spec: change(resource.spec) });
        return;
      } catch (error) {
        const isBehind = hasStatus(error, 409) || hasStatus(error, 404);
        if (!isBehind || attempt === TRIES) throw error;
      }
      resource = await api.get<FunctionResource>(this.#place(name));
    }
  }

  #place(name?: string): Place {
    const { namespace } = this.#options;
    return { kind: KINDS.functions, namespace, ...(name === undefined ? {} : { name }) };
  }
}

function removed(name: string): Problem {
  return new Problem("unknown_function", `The function "${name}" was removed meanwhile.`);
}

/** Waits for both also when one fails, because what is taken back must not go on meanwhile. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled([one, other])).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

function newFunction(
  { name, settings }: Draft,
  namespace: string,
  annotations: Record<string, string>,
): object {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: "Function",
    metadata: { name, namespace, annotations, labels: { [LABELS.managedBy]: "skiff" } },
    spec: specOf(settings),
  };
}
