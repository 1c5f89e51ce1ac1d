import type { Limits } from "../../limits.ts";
import type { Stored } from "../../platform.ts";
import { Problem } from "../../problems.ts";
import type { JsonOperation, KubeApi } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type FunctionResource, KINDS, type Place } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { specOf } from "../objects/function-spec.ts";
import { publishingSince } from "../objects/function-state.ts";
import { ANNOTATIONS, GROUP, LABELS } from "../objects/names.ts";
import type { VersionStore } from "../versions/version-store.ts";
import type { WholeDraft } from "../versions/versions.ts";

const TURN_PAUSE_MS = 100;
const END_TRIES = 15;
const END_PAUSE_MS = 5_000;
/** A publish that began this long after its limits is one whose manager died. */
export const ABANDONED_MS = 15_000;

export interface TurnOptions {
  readonly api: KubeApi;
  readonly namespace: string;
  readonly limits: Limits;
  readonly store: VersionStore;
  readonly endpoints: EndpointsMirror;
  readonly onTrouble: (reason: string) => void;
}

export interface Begun {
  /** As it was before the publish, but for the mark. */
  readonly resource: FunctionResource;
  readonly created: boolean;
  /** Made by this publish: nothing can have been stored for it before. */
  readonly isNew?: boolean;
}

/**
 * One publish of a function at a time in the whole cluster: the annotation `publishing-since` is set with the object's
 * resourceVersion as condition, and whoever finds it waits.
 */
export class PublishTurns {
  readonly #options: TurnOptions;
  readonly #ending = new Map<string, Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /**
   * Takes the turn of this function, or finds that there is nothing to do.
   * @throws Problem `too_many_waiting`
   */
  async begin(draft: WholeDraft, signal?: AbortSignal): Promise<Begun | Stored> {
    const { api, namespace, limits, store, endpoints } = this.#options;
    const { name, hash } = draft;
    const stop = signal ?? new AbortController().signal;
    // The one before may be at its last word; where that takes long, its mark is found.
    if (this.#ending.has(name)) await Promise.race([this.#ending.get(name), delay(TURN_PAUSE_MS, stop)]);
    const deadlineMs = performance.now() + 2 * limits.startMs + ABANDONED_MS;
    // One that nobody has heard of is made without a look; if it is there, the API server says so.
    let isKnown = endpoints.functions.get(name) !== undefined;
    while (performance.now() < deadlineMs) {
      stop.throwIfAborted();
      const resource = isKnown ? await api.get<FunctionResource>(functionPlace(namespace, name)) : undefined;
      isKnown = true;
      const since = resource && publishingSince(resource);
      if (resource?.metadata.deletionTimestamp !== undefined || since !== undefined) {
        await delay(TURN_PAUSE_MS, stop);
        continue;
      }
      const version = resource?.spec.version;
      if (version !== undefined && resource?.status?.version === version) {
        const current = (await store.records(name)).find((record) => record.version === version);
        if (current?.hash === hash) return { name, version, created: false };
      }
      try {
        const now = new Date().toISOString();
        const annotations = { [ANNOTATIONS.publishingSince]: now };
        if (!resource) {
          const body = newFunction(draft, namespace, { ...annotations, [ANNOTATIONS.createdAt]: now });
          return {
            resource: await api.create<FunctionResource>(functionPlace(namespace), body),
            created: true,
            isNew: true,
          };
        }
        const { resourceVersion } = resource.metadata;
        const patch = { metadata: { resourceVersion, annotations } };
        return {
          resource: await api.patch<FunctionResource>(functionPlace(namespace, name), patch),
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

  /**
   * The next deploy may begin. In the background: the version serves already, and no failure takes that back.
   * @param cleanUp what need not be done before the deploy is answered
   */
  end(begun: Begun, cleanUp: () => Promise<void>): void {
    const { onTrouble } = this.#options;
    const { name } = begun.resource.metadata;
    const ending = this.#unmark(begun)
      .then(cleanUp)
      .catch((error: Error) => onTrouble(`${name}: the end of a deploy failed: ${error.message}`))
      .finally(() => {
        // The next deploy may have ended while this one was still cleaning up.
        if (this.#ending.get(name) === ending) this.#ending.delete(name);
      });
    this.#ending.set(name, ending);
  }

  /** Resolves when the turns that this program took have ended, or at least been tried to. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#ending.values());
  }

  /** Whoever leads finds a mark that stays, when it is old. */
  async #unmark({ resource }: Begun): Promise<void> {
    const { api, namespace } = this.#options;
    const { name, annotations = {} } = resource.metadata;
    const since = annotations[ANNOTATIONS.publishingSince];
    const { signal } = this.#closing;
    const path = (annotation: string) => `/metadata/annotations/${annotation.replaceAll("/", "~1")}`;
    const patch: JsonOperation[] = [
      // A late try must not take the mark of the next deploy away.
      { op: "test", path: path(ANNOTATIONS.publishingSince), value: since },
      { op: "remove", path: path(ANNOTATIONS.publishingSince) },
    ];
    for (let attempt = 1; ; attempt++) {
      try {
        await api.patchJson(functionPlace(namespace, name), patch);
        return;
      } catch (error) {
        if (hasStatus(error, 404) || hasStatus(error, 422)) return;
        if (attempt === END_TRIES || signal.aborted) throw error;
      }
      await delay(Math.min(END_PAUSE_MS, attempt * TURN_PAUSE_MS), signal);
    }
  }
}

export function functionPlace(namespace: string, name?: string): Place {
  return { kind: KINDS.functions, namespace, ...(name === undefined ? {} : { name }) };
}

function newFunction(
  { name, settings }: WholeDraft,
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
