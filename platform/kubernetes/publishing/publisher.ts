import type { Limits } from "../../limits.ts";
import type { Stored } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import { currentOf } from "../../traffic.ts";
import type { KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { OwnPods, POOL_MS } from "../cluster/own-pods.ts";
import type { FunctionResource, Place } from "../cluster/resources.ts";
import type { Children } from "../objects/children.ts";
import { specOf } from "../objects/function-spec.ts";
import { inlineSourceHash } from "../objects/function-state.ts";
import type { Owner } from "../objects/manifests.ts";
import { ANNOTATIONS } from "../objects/names.ts";
import type { NewVersion, PoolSupply } from "../pool/pool-supply.ts";
import type { VersionStore } from "../versions/version-store.ts";
import { type VersionRecord, versionsToForget, type WholeDraft } from "../versions/versions.ts";
import { type Begun, functionPlace, PublishTurns } from "./publish-turns.ts";
import { NotReady, type ReadinessOptions, startFailed, versionServes } from "./readiness.ts";

const TRIES = 8;

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

/** Makes versions current, one publish of a function at a time in the whole cluster. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #turns: PublishTurns;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#turns = new PublishTurns(options);
  }

  /** @throws Problem `start_failed`; ApiError, ApiUnreachable */
  async publish(draft: WholeDraft, signal?: AbortSignal): Promise<Stored> {
    const { store, endpoints } = this.#options;
    const { name } = draft;
    const begun = await this.#turns.begin(draft, signal);
    if ("version" in begun) return begun;
    const { resource, created, isNew = false } = begun;
    const owner = { name, uid: resource.metadata.uid! };
    let stored: VersionRecord | undefined;
    const failed = new AbortController();
    try {
      const records = isNew ? [] : await store.records(name);
      signal?.throwIfAborted();
      const numbers = records.map(({ version }) => version);
      // Pods of a version that was taken back may take calls for a moment still: its number is not used again then.
      // The same goes for pods of a Function of the same name that was deleted a moment ago.
      const ready = endpoints.newestReady(name);
      const newest = Math.max(resource.spec.version ?? 0, ready, ...numbers);
      const supplied = this.#supply({ version: newest + 1, draft, owner }, failed.signal);
      stored = await store.store(draft, owner, newest + 1);
      signal?.throwIfAborted();
      const record = stored;
      const updated = created ? {} : { [ANNOTATIONS.updatedAt]: new Date().toISOString() };
      const named = this.#replaceSpec(resource, updated, (spec) => ({
        // An inline source that was not what is published is from before: what was posted last counts.
        ...(inlineSourceHash(spec) === record.sourceHash ? { source: spec.source! } : {}),
        ...specOf(draft.settings),
        version: record.version,
      }));
      const ownPods = new OwnPods(() => this.#bringUp(record, owner));
      const isSupplied = await both(named, soon(supplied));
      if (!isSupplied) await ownPods.ask();
      await ownPods.askIfLate(this.#serves(record, signal));
      if (endpoints.functions.get(name)?.metadata.uid !== owner.uid) throw removed(name);
      await both(this.#makeOfficial(record), ownPods.ask());
      this.#turns.end(begun, () => this.#forget(record, records));
    } catch (error) {
      failed.abort(error);
      await this.#undo(begun, stored).catch((failure: Error) => {
        // Whoever leads finds the mark of the publish and puts the version before back.
        this.#options.onTrouble(`${name}: undoing a failed deploy failed as well: ${failure.message}`);
      });
      throw error instanceof NotReady ? startFailed(error) : error;
    }
    return { name, version: stored.version, created };
  }

  /** Resolves when nothing is left to be done of what was published. */
  close(): Promise<void> {
    return this.#turns.close();
  }

  /**
   * True if as many pods of the pool serve the version as there are instances now, for calls change over then. Fewer do
   * not harm: the cluster's own join them.
   */
  async #supply(version: NewVersion, signal: AbortSignal): Promise<boolean> {
    const { supply, endpoints, onTrouble } = this.#options;
    if (!supply) return false;
    const { name } = version.owner;
    const needed = Math.max(1, currentOf(endpoints.get(name))?.instances.length ?? 0);
    const asked = Math.max(1, Math.min(needed, supply.free));
    const outcomes = Array.from({ length: asked }, async () => {
      try {
        return (await supply.forVersion(version, { signal })) === "claimed";
      } catch (error) {
        if (!signal.aborted) onTrouble(`${name}: the pool could not be asked: ${(error as Error).message}`);
        return false;
      }
    });
    const claimed = (await Promise.all(outcomes)).filter((isClaimed) => isClaimed);
    return claimed.length >= needed;
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

  /** `null`: none is. */
  async #makeOfficial({ name, version }: { name: string; version: number | null }): Promise<void> {
    const status = { ...this.#place(name), subresource: "status" };
    await this.#options.api.patch(status, { status: { version } });
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
    const { [ANNOTATIONS.updatedAt]: updatedAt = null } = resource.metadata.annotations ?? {};
    await this.#replaceSpec(resource, {}, () => resource.spec);
    const { version } = resource.status ?? {};
    await this.#makeOfficial({ name, version: version ?? null });
    const records = await store.records(name);
    const before = records.find(({ version }) => version === resource.spec.version);
    if (before) {
      const deployment = await children.apply(before, { name, uid: uid! });
      const slept =
        currentOf(this.#options.endpoints.get(name))?.instances.length === 0 && before.settings.min === 0;
      if (slept && deployment.spec.replicas !== 0) await children.scale(name, 0);
    } else await children.remove(name);
    if (stored) await store.forget(stored);
    await api.patch(this.#place(name), {
      metadata: { annotations: { [ANNOTATIONS.publishingSince]: null, [ANNOTATIONS.updatedAt]: updatedAt } },
    });
  }

  /** `known` is the Function as it was last seen; most of the time nobody has changed it since. */
  async #replaceSpec(
    known: FunctionResource,
    annotations: Readonly<Record<string, string>>,
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
        const metadata = {
          ...resource.metadata,
          annotations: { ...resource.metadata.annotations, ...annotations },
        };
        await api.replace(this.#place(name), { ...resource, metadata, spec: change(resource.spec) });
        return;
      } catch (error) {
        const isBehind = hasStatus(error, 409) || hasStatus(error, 404);
        if (!isBehind || attempt === TRIES) throw error;
      }
      resource = await api.get<FunctionResource>(this.#place(name));
    }
  }

  #place(name: string): Place {
    return functionPlace(this.#options.namespace, name);
  }
}

function removed(name: string): Problem {
  return new Problem("unknown_function", `The function "${name}" was removed meanwhile.`);
}

/** The result of the other one. Waits for both also when one fails, because what is taken back must not go on meanwhile. */
async function both<T>(one: Promise<void>, other: Promise<T>): Promise<T> {
  const failed = (await Promise.allSettled([one, other])).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
  return await other;
}

/** False also if it takes long; then the cluster's own pods are no later. */
function soon(supplied: Promise<boolean>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, POOL_MS, false);
  void supplied.then(resolve).finally(() => clearTimeout(timer));
  return promise;
}
