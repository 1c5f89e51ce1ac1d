import type { Limits } from "../../limits.ts";
import type { Precondition } from "../../platform.ts";
import { checkPrecondition } from "../../precondition.ts";
import type { Cluster } from "../cluster/api.ts";
import { hasStatus, unlessStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type FunctionResource, KINDS, type Pod, type Resource } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { currentOf, functionPlace } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { LABELS } from "../objects/names.ts";
import { isTerminating } from "../objects/pod-state.ts";

/** The Service first: a new Function of the name needs one of the same name. */
const OWNED = [KINDS.services, KINDS.deployments, KINDS.autoscalers, KINDS.configMaps, KINDS.networkPolicies];
const PAUSE_MS = 250;
const WITHIN_MS = 60_000;
const DELETE_TRIES = 10;

export interface RemovalsOptions extends Cluster {
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  /** Waits until no router has the function any more. */
  readonly forgotten?: ((name: string) => Promise<void>) | undefined;
  readonly onTrouble: (reason: string) => void;
}

/**
 * Removes functions. A removal is durable, and the name is free, when the Function is deleted. Its objects follow in the
 * background: the garbage collector of the cluster deletes them also if this program ends, and the leader the pods of
 * the pool that were claimed for it.
 */
export class Removals {
  readonly #options: RemovalsOptions;
  readonly #closing = new AbortController();
  readonly #cleaning = new Set<Promise<void>>();

  constructor(options: RemovalsOptions) {
    this.#options = options;
  }

  /**
   * Resolves when no router sends calls to the function; with false if there is no such Function.
   * @throws Problem `precondition_failed`
   */
  async remove(name: string, expected?: Precondition): Promise<boolean> {
    const { endpoints, forgotten, onTrouble } = this.#options;
    const deleted = await this.#deleteFunction(name, expected);
    if (!deleted) return false;
    // The API server answers with a Status, or with the object if something holds its deletion up.
    const { details, metadata } = deleted as Partial<Resource> & { details?: { uid?: string } };
    const uid = details?.uid ?? metadata?.uid ?? "";
    this.#cleanInBackground({ name, uid });
    const isGone = () => {
      const now = endpoints.functions.get(name)?.metadata;
      return now?.uid !== uid || now.deletionTimestamp !== undefined;
    };
    await endpoints.seen(name, isGone);
    await forgotten?.(name).catch((error: Error) => {
      onTrouble(`${name}: cannot verify that every router dropped it: ${error.message}`);
    });
    return true;
  }

  async #deleteFunction(name: string, expected: Precondition | undefined): Promise<Resource | undefined> {
    const { api, namespace, limits } = this.#options;
    const place = functionPlace(namespace, name);
    if (expected === undefined) return await api.delete(place, "Background");
    for (let attempt = 1; ; attempt++) {
      const resource = await api.get<FunctionResource>(place);
      checkPrecondition(name, expected, resource && currentOf(resource, limits));
      if (resource === undefined) return undefined;
      const { uid, resourceVersion } = resource.metadata;
      try {
        return await api.delete(place, "Background", { uid: uid!, resourceVersion: resourceVersion! });
      } catch (error) {
        // The Function has changed since it was read.
        if (!hasStatus(error, 409) || attempt === DELETE_TRIES) throw error;
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#cleaning);
  }

  #cleanInBackground(owner: Owner): void {
    const cleaning = this.#clean(owner)
      .catch((error: Error) => {
        if (this.#closing.signal.aborted) return;
        this.#options.onTrouble(
          `${owner.name}: the objects could not be deleted, so the garbage collector deletes them: ${error.message}`,
        );
      })
      .finally(() => this.#cleaning.delete(cleaning));
    this.#cleaning.add(cleaning);
  }

  /** Deletes the objects before the garbage collector has found them, so that the name can be used again at once. */
  async #clean({ name, uid }: Owner): Promise<void> {
    const { api, namespace } = this.#options;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(WITHIN_MS)]);
    const isMine = ({ metadata }: Resource) =>
      metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
    for (;;) {
      let left = 0;
      for (const kind of OWNED) {
        const selector = `${LABELS.function}=${name}`;
        const { items } = await api.list({ kind, namespace }, selector, { metadataOnly: true, signal });
        left += await this.#delete(kind, items.filter(isMine), signal);
      }
      const claimed = `${LABELS.claimedFor}=${name}`;
      const { items } = await api.list<Pod>({ kind: KINDS.pods, namespace }, claimed, { signal });
      // Owned by the ReplicaSet of the pool as well, so the garbage collector leaves them.
      const pods = items.filter((pod) => isMine(pod) && !isTerminating(pod));
      left += await this.#delete(KINDS.pods, pods, signal);
      if (left === 0) return;
      await delay(PAUSE_MS, signal);
      signal.throwIfAborted();
    }
  }

  async #delete(
    kind: (typeof KINDS)[keyof typeof KINDS],
    objects: readonly Resource[],
    signal: AbortSignal,
  ): Promise<number> {
    const { api, namespace } = this.#options;
    const work = objects.map(async ({ metadata: { name, uid } }) => {
      await unlessStatus(api.delete({ kind, namespace, name }, "Background", { uid, signal }), 409);
    });
    await Promise.all(work);
    return objects.length;
  }
}
