import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import type { Cluster, JsonOperation } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import { type FunctionResource, KINDS, type Place } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { publishingSince } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { ANNOTATIONS } from "../objects/names.ts";
import type { VersionRecord } from "../versions/versions.ts";

const TURN_PAUSE_MS = 100;
/** A deploy calls `route` right after `store`. */
const HOLD_MS = 100;
/** After this time the next change starts before this turn has ended, and waits for its mark. */
const LEAVE_LINE_MS = 500;
const END_TRIES = 15;
const END_PAUSE_MS = 5_000;
/** Time after the limits of a change at which its manager counts as dead. */
export const ABANDONED_MS = 15_000;

export interface TurnOptions extends Cluster {
  readonly limits: Limits;
  readonly endpoints: EndpointsMirror;
  readonly onTrouble: (reason: string) => void;
}

/** The right to change one function. */
export interface Turn {
  readonly owner: Owner;
  /** The Function that this turn has read or written last. */
  resource: FunctionResource;
  /** This turn created the Function. */
  readonly isNew: boolean;
  /** The complete versions; undefined until they are read. */
  records?: readonly VersionRecord[];
  /** The version that this turn has stored; one instance is ready. */
  stored?: VersionRecord;
  /** Work in the background before the next turn begins. */
  readonly cleanUps: (() => Promise<void>)[];
  readonly leaveLine: () => void;
}

export interface BeginOptions {
  /** Builds a missing Function. Without it a missing Function is an error. */
  readonly make?: ((annotations: Readonly<Record<string, string>>) => object) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Allows one change of a function at a time in the whole cluster. Within this program changes wait in line. Between
 * managers the annotation `publishing-since` is a lock: its write has the resourceVersion as precondition.
 */
export class PublishTurns {
  readonly #options: TurnOptions;
  /** End of the line of each function. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Turns that a `route` of the same function may resume. */
  readonly #held = new Map<string, { readonly turn: Turn; readonly timer: NodeJS.Timeout }>();
  readonly #ending = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /**
   * Waits for the turn of a function.
   * @throws Problem `unknown_function`, `too_many_waiting`; the signal's reason
   */
  async begin(name: string, { make, signal }: BeginOptions): Promise<Turn> {
    const leaveLine = await this.#enterLine(name, signal);
    try {
      const marked = await this.#mark(name, { make, signal });
      const owner = { name, uid: marked.resource.metadata.uid! };
      return { ...marked, owner, cleanUps: [], leaveLine };
    } catch (error) {
      leaveLine();
      throw error;
    }
  }

  /** Runs a change in line without a mark, because it cannot conflict with another manager. */
  async inLine<T>(name: string, change: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const leaveLine = await this.#enterLine(name, signal);
    try {
      return await change();
    } finally {
      leaveLine();
    }
  }

  /** Keeps the turn for HOLD_MS, in which `resume` can continue it. */
  hold(turn: Turn): void {
    const { name } = turn.owner;
    const timer = setTimeout(() => {
      this.#held.delete(name);
      this.end(turn);
    }, HOLD_MS);
    this.#held.set(name, { turn, timer });
  }

  /** Returns the held turn of this function; undefined if there is none. */
  resume(name: string): Turn | undefined {
    const held = this.#held.get(name);
    clearTimeout(held?.timer);
    this.#held.delete(name);
    return held?.turn;
  }

  /** Ends a turn in the background. The change is done, and no failure here reverts it. */
  end(turn: Turn): void {
    const { name } = turn.owner;
    const trouble = (error: Error) => {
      this.#options.onTrouble(`${name}: the end of a deploy failed: ${error.message}`);
    };
    const late = setTimeout(turn.leaveLine, LEAVE_LINE_MS);
    const ending = Promise.all(turn.cleanUps.map((cleanUp) => cleanUp().catch(trouble)))
      .then(() => this.#unmark(turn))
      .catch(trouble)
      .finally(() => {
        clearTimeout(late);
        turn.leaveLine();
        this.#ending.delete(ending);
      });
    this.#ending.add(ending);
  }

  /** Resolves when this program has tried to end its turns. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const name of [...this.#held.keys()]) this.end(this.resume(name)!);
    await Promise.all(this.#ending);
  }

  async #enterLine(name: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#lines.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    const line = Promise.all([before, promise]).then(() => {
      if (this.#lines.get(name) === line) this.#lines.delete(name);
    });
    this.#lines.set(name, line);
    try {
      await beforeAbort(before, signal);
    } catch (error) {
      resolve();
      throw error;
    }
    return resolve;
  }

  async #mark(name: string, { make, signal }: BeginOptions): Promise<Pick<Turn, "resource" | "isNew">> {
    const { api, namespace, limits, endpoints } = this.#options;
    const deadlineMs = performance.now() + 2 * limits.startMs + ABANDONED_MS;
    // An unknown Function is created without a read; the API server rejects it if it exists.
    let isKnown = make === undefined || endpoints.functions.get(name) !== undefined;
    while (performance.now() < deadlineMs) {
      signal.throwIfAborted();
      const resource = isKnown ? await api.get<FunctionResource>(functionPlace(namespace, name)) : undefined;
      isKnown = true;
      if (!resource && !make) throw new Problem("unknown_function", `There is no function "${name}".`);
      if (resource && isTaken(resource)) {
        await delay(TURN_PAUSE_MS, signal);
        continue;
      }
      const now = new Date().toISOString();
      const annotations = { [ANNOTATIONS.publishingSince]: now };
      try {
        if (!resource) {
          const body = make!({ ...annotations, [ANNOTATIONS.createdAt]: now });
          return { resource: await api.create(functionPlace(namespace), body), isNew: true };
        }
        const { resourceVersion } = resource.metadata;
        const patch = { metadata: { resourceVersion, annotations } };
        return { resource: await api.patch(functionPlace(namespace, name), patch), isNew: false };
      } catch (error) {
        // Another manager was first: read again.
        if (!hasStatus(error, 409)) throw error;
      }
    }
    const detail = `Another deploy of "${name}" has not ended; try again in a moment.`;
    throw new Problem("too_many_waiting", detail, { retryAfterS: 5 });
  }

  /** Removes the mark. After a failure the leader removes it later. */
  async #unmark({ owner: { name }, resource }: Turn): Promise<void> {
    const { api, namespace } = this.#options;
    const { signal } = this.#closing;
    const patch: JsonOperation[] = [
      // A late attempt must not remove the mark of the next deploy.
      ownMark(resource),
      { op: "remove", path: annotationPath(ANNOTATIONS.publishingSince) },
    ];
    for (let attempt = 1; ; attempt++) {
      try {
        await api.patchJson(functionPlace(namespace, name), patch);
        return;
      } catch (error) {
        if (hasStatus(error, 404, 422)) return;
        if (attempt === END_TRIES || signal.aborted) throw error;
      }
      await delay(Math.min(END_PAUSE_MS, attempt * TURN_PAUSE_MS), signal);
    }
  }
}

/** Makes a patch fail (422) if the Function does not have the mark of this turn. */
export function ownMark({ metadata }: FunctionResource): JsonOperation {
  const value = metadata.annotations?.[ANNOTATIONS.publishingSince];
  return { op: "test", path: annotationPath(ANNOTATIONS.publishingSince), value };
}

/** Returns a JSON pointer (RFC 6901, section 3). */
export function annotationPath(annotation: string): string {
  return `/metadata/annotations/${annotation.replaceAll("/", "~1")}`;
}

export function functionPlace(namespace: string, name?: string): Place {
  return { kind: KINDS.functions, namespace, ...(name === undefined ? {} : { name }) };
}

function isTaken(resource: FunctionResource): boolean {
  return resource.metadata.deletionTimestamp !== undefined || publishingSince(resource) !== undefined;
}

async function beforeAbort(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!work) return;
  const { promise, reject } = Promise.withResolvers<void>();
  const leave = () => reject(signal.reason);
  signal.addEventListener("abort", leave);
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
