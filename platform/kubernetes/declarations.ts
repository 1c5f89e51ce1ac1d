import {
  checkDeclarationName,
  type DeclarationKinds,
  type DeclarationListener,
  type DeclarationPage,
  type Declarations,
  type Declared,
  type NewSpec,
  notify,
  pluralOf,
  preconditionFailed,
  type Removal,
  specText,
} from "../declarations.ts";
import type { Limits } from "../limits.ts";
import { Problem } from "../problems.ts";
import type { Cluster, JsonOperation } from "./cluster/api.ts";
import { ApiError, clusterProblem, unlessStatus } from "./cluster/api-error.ts";
import { Mirror, type MirrorTimes } from "./cluster/mirror.ts";
import type { Kind, Metadata, Place, Resource } from "./cluster/resources.ts";
import { GROUP } from "./objects/names.ts";

const API_VERSION = `${GROUP}/v1`;
/** A put or a removal fails if others change the object this often between its requests. */
const TRIES = 5;

export interface DeclaredResource extends Resource {
  readonly metadata: Metadata & {
    readonly managedFields?: readonly { readonly time?: string; readonly subresource?: string }[];
  };
  readonly spec?: Declared["spec"];
}

export interface ClusterDeclarationsOptions extends Cluster {
  readonly kinds: DeclarationKinds;
  readonly limits: Limits;
  /** Aborts when the platform closes, with the problem that callers get. */
  readonly closing: AbortSignal;
  readonly print: (line: string) => void;
  readonly times?: MirrorTimes | undefined;
}

/**
 * Stores declarations as custom resources of the group `skiff.dev`, with one definition for each kind. A revision is the
 * uid and the generation, so it also changes with writes of `kubectl`, but not with the status, which is written every few
 * seconds. Reads go to the API server, so that callers read their own writes.
 */
export class ClusterDeclarations implements Declarations {
  readonly #options: ClusterDeclarationsOptions;
  readonly #mirrors = new Set<Mirror<DeclaredResource>>();

  constructor(options: ClusterDeclarationsOptions) {
    this.#options = options;
  }

  async put(kind: string, name: string, { spec, ifRevision }: NewSpec): Promise<Declared> {
    const place = this.#place(kind, name);
    specText(this.#options.limits, spec);
    const work = () => this.#put({ place, kind, spec }, ifRevision);
    return declaredOf(kind, await this.#run(work));
  }

  async get(kind: string, name: string): Promise<Declared | undefined> {
    const { api, closing: signal } = this.#options;
    const place = this.#place(kind, name);
    const resource = await this.#run(() => api.get<DeclaredResource>(place, { signal }));
    return resource && declaredOf(kind, resource);
  }

  async list(kind: string, { after = "", limit }: DeclarationPage): Promise<Declared[]> {
    const { api, closing: signal } = this.#options;
    const place = this.#place(kind);
    const { items } = await this.#run(() => api.list<DeclaredResource>(place, undefined, { signal }));
    const rest = items.filter(({ metadata }) => metadata.name > after);
    const sorted = rest.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    return sorted.slice(0, limit).map((resource) => declaredOf(kind, resource));
  }

  async remove(kind: string, name: string, { ifRevision }: Removal = {}): Promise<boolean> {
    const { api, closing: signal } = this.#options;
    const place = this.#place(kind, name);
    return await this.#run(async () => {
      if (ifRevision === undefined) return (await api.delete(place, "Background", { signal })) !== undefined;
      const removed = await this.#onRevision({ place, kind }, ifRevision, async (resourceVersion) => {
        await api.delete(place, "Background", { signal, resourceVersion });
        return true;
      });
      if (removed === undefined) throw preconditionFailed(`${kind} "${name}"`, ifRevision);
      return true;
    });
  }

  watch(kind: string, listener: DeclarationListener): () => void {
    const { api, print, times } = this.#options;
    const place = this.#place(kind);
    let isStopped = false;
    const revisions = new Map<string, string>();
    const mirror = new Mirror<DeclaredResource>({
      api,
      place,
      onChange: (name, resource) => {
        const declared = resource && declaredOf(kind, resource);
        // Labels or the status have changed.
        if (declared !== undefined && revisions.get(name) === declared.revision) return;
        if (declared === undefined) revisions.delete(name);
        else revisions.set(name, declared.revision);
        if (!isStopped) notify(listener, { kind, name, declared }, print);
      },
      onTrouble: (reason) => print(`declarations cannot be watched: ${reason}`),
      times,
    });
    this.#mirrors.add(mirror);
    return () => {
      isStopped = true;
      this.#mirrors.delete(mirror);
      void mirror.close();
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#mirrors].map((mirror) => mirror.close()));
  }

  /** @throws Problem `precondition_failed` */
  async #put(next: NewResource, ifRevision: NewSpec["ifRevision"]): Promise<DeclaredResource> {
    if (ifRevision === undefined) return await this.#overwrite(next);
    const replace = (resourceVersion: string) => this.#replace(next, resourceVersion);
    const resource = await (ifRevision === null
      ? this.#create(next)
      : this.#onRevision(next, ifRevision, replace));
    if (resource === undefined) throw preconditionFailed(`${next.kind} "${next.place.name}"`, ifRevision);
    return resource;
  }

  async #overwrite(next: NewResource): Promise<DeclaredResource> {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const written = (await this.#replace(next)) ?? (await this.#create(next));
      if (written !== undefined) return written;
    }
    const why = `others create and remove ${next.kind} "${next.place.name}" at the same time`;
    throw new ApiError(409, "Conflict", why);
  }

  /** Resolves with undefined if the object exists. */
  async #create({ place, kind, spec }: NewResource): Promise<DeclaredResource | undefined> {
    const { api, closing: signal } = this.#options;
    const { name, ...collection } = place;
    const body = { apiVersion: API_VERSION, kind, metadata: { name }, spec };
    return await unlessStatus(api.create<DeclaredResource>(collection, body, { signal }), 409);
  }

  /**
   * Runs `work` with the resourceVersion of an object that has a revision, again if labels or the status change meanwhile.
   * Resolves with undefined if the object is missing or has another revision.
   */
  async #onRevision<T>(
    { place, kind }: Pick<NewResource, "place" | "kind">,
    revision: string,
    work: (resourceVersion: string) => Promise<T>,
  ): Promise<T | undefined> {
    const { api, closing: signal } = this.#options;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const resource = await api.get<DeclaredResource>(place, { signal });
      if (resource === undefined || declaredOf(kind, resource).revision !== revision) return undefined;
      const done = await unlessStatus(work(resource.metadata.resourceVersion!), 404, 409);
      if (done !== undefined) return done;
    }
    throw new ApiError(409, "Conflict", `others change ${kind} "${place.name}" at the same time`);
  }

  /** Keeps labels and annotations. Resolves with undefined if the object is missing. */
  async #replace(
    { place, spec }: NewResource,
    resourceVersion?: string,
  ): Promise<DeclaredResource | undefined> {
    const { api, closing: signal } = this.#options;
    const operations: JsonOperation[] = [{ op: "add", path: "/spec", value: spec }];
    if (resourceVersion !== undefined)
      operations.push({ op: "replace", path: "/metadata/resourceVersion", value: resourceVersion });
    return await unlessStatus(api.patchJson<DeclaredResource>(place, operations, { signal }), 404, 409);
  }

  #place(kind: string, name?: string): Place {
    const { kinds, namespace, closing } = this.#options;
    closing.throwIfAborted();
    const plural = pluralOf(kinds, kind);
    if (name !== undefined) checkDeclarationName(kind, name);
    const place = { kind: declarationKind(plural), namespace };
    return name === undefined ? place : { ...place, name };
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#options.closing.throwIfAborted();
      if (error instanceof ApiError && error.status === 422)
        throw new Problem("invalid_declaration", `The API server rejects the declaration: ${error.message}.`);
      throw clusterProblem(error);
    }
  }
}

interface NewResource {
  readonly place: Place;
  readonly kind: string;
  readonly spec: object;
}

/** Returns the resource that holds a kind of declarations. */
export function declarationKind(plural: string): Kind {
  return { group: `apis/${API_VERSION}`, plural };
}

export function declaredOf(kind: string, { metadata, spec = {} }: DeclaredResource): Declared {
  const { name, uid, generation, creationTimestamp = "", managedFields = [] } = metadata;
  const createdAt = new Date(creationTimestamp);
  // A new status does not change the declaration.
  const changes = managedFields.filter(({ time, subresource }) => time !== undefined && !subresource);
  const updatedAt = new Date(Math.max(createdAt.getTime(), ...changes.map(({ time }) => Date.parse(time!))));
  return { kind, name, revision: `${uid}.${generation}`, spec, createdAt, updatedAt };
}
