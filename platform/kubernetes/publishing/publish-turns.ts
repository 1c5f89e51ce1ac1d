import type { Limits } from "../../limits.ts";
import { Problem } from "../../problems.ts";
import type { Cluster } from "../cluster/api.ts";
import { hasStatus } from "../cluster/api-error.ts";
import { delay } from "../cluster/mirror.ts";
import type { FunctionResource } from "../cluster/resources.ts";
import type { EndpointsMirror } from "../endpoints/endpoints-mirror.ts";
import { functionPlace, publishingSince } from "../objects/function-resource.ts";
import type { Owner } from "../objects/manifests.ts";
import { ANNOTATIONS } from "../objects/names.ts";
import type { VersionRecord } from "../versions/versions.ts";
import { cleanUp } from "./recovery.ts";
import { MarkWatch, newMark, onlyWithMark, Renewal, TAKEOVER_MS, withoutMark } from "./turn-mark.ts";

const TURN_PAUSE_MS = 100;
/** A deploy calls `route` right after `store`. */
const HOLD_MS = 100;
/** After this time the next change starts before this turn has ended, and waits for its mark. */
const LEAVE_LINE_MS = 500;
const END_TRIES = 15;
const END_PAUSE_MS = 5_000;
/** Time after the limits of a change at which its manager counts as dead if it is of an older Skiff. */
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
  /** Identifies the mark of this turn. */
  readonly by: string;
  /** This turn created the Function. */
  readonly isNew: boolean;
  /** The manager of the turn before died. It may have chosen a number for its version. */
  readonly isTakenOver: boolean;
  /** Aborts if another manager takes the turn over. */
  readonly lost: AbortSignal;
  /** The complete versions; undefined until they are read. */
  records?: readonly VersionRecord[];
  /** The version that this turn has stored; one instance is ready. */
  stored?: VersionRecord;
  /** Work in the background before the next turn begins. */
  readonly cleanUps: (() => Promise<void>)[];
  readonly stopRenewing: () => void;
  readonly leaveLine: () => void;
}

type Marked = Pick<Turn, "resource" | "by" | "isNew" | "isTakenOver">;

export interface BeginOptions {
  /** Builds a missing Function. Without it a missing Function is an error. */
  readonly make?: ((annotations: Readonly<Record<string, string>>) => object) | undefined;
  readonly signal: AbortSignal;
}

/**
 * Allows one change of a function at a time in the whole cluster. Within this program changes wait in line. Between
 * managers annotations of the Function are a lock: their write has the resourceVersion as precondition. The manager
 * renews the lock, so that another one can take over from a dead one within seconds.
 */
export class PublishTurns {
  readonly #options: TurnOptions;
  /** End of the line of each function. */
  readonly #lines = new Map<string, Promise<void>>();
  /** Turns that a `route` of the same function may resume. */
  readonly #held = new Map<string, { readonly turn: Turn; readonly timer: NodeJS.Timeout }>();
  readonly #ending = new Set<Promise<void>>();
  /** Turns with work in the background. */
  readonly #ended = new Set<Turn>();
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
      return { ...marked, ...this.#renew(name, marked.by), owner, cleanUps: [], leaveLine };
    } catch (error) {
      leaveLine();
      throw error;
    }
  }

  /**
   * Runs a change in line without a mark, because it cannot conflict with another manager. It does not wait for the work
   * in the background of a change that is done.
   */
  async inLine<T>(name: string, change: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const turn of this.#ended) if (turn.owner.name === name) turn.leaveLine();
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

  /** Drops a turn that another manager took over, without undoing its changes. */
  drop(turn: Turn): void {
    turn.stopRenewing();
    turn.leaveLine();
  }

  /** Ends a turn in the background. The change is done, and no failure here reverts it. */
  end(turn: Turn): void {
    if (turn.lost.aborted) {
      this.drop(turn);
      return;
    }
    const { name } = turn.owner;
    const trouble = (error: Error) => {
      this.#options.onTrouble(`${name}: the end of a deploy failed: ${error.message}`);
    };
    const late = setTimeout(turn.leaveLine, LEAVE_LINE_MS);
    this.#ended.add(turn);
    const ending = Promise.all(turn.cleanUps.map((cleanUp) => cleanUp().catch(trouble)))
      .then(() => this.#unmark(turn))
      .catch(trouble)
      .finally(() => {
        clearTimeout(late);
        turn.stopRenewing();
        turn.leaveLine();
        this.#ended.delete(turn);
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

  #renew(name: string, by: string): Pick<Turn, "lost" | "stopRenewing"> {
    const { api, namespace } = this.#options;
    const lost = new AbortController();
    const renewal = new Renewal({ api, namespace, name, by, onLost: () => lost.abort(turnLost(name)) });
    return { lost: lost.signal, stopRenewing: () => renewal.stop() };
  }

  async #mark(name: string, { make, signal }: BeginOptions): Promise<Marked> {
    const { api, namespace, limits, endpoints, onTrouble: print } = this.#options;
    const deadlineMs = performance.now() + 2 * limits.startMs + ABANDONED_MS;
    // An unknown Function is created without a read; the API server rejects it if it exists.
    let isKnown = make === undefined || endpoints.functions.get(name) !== undefined;
    const watch = new MarkWatch();
    while (performance.now() < deadlineMs) {
      signal.throwIfAborted();
      const resource = isKnown ? await api.get<FunctionResource>(functionPlace(namespace, name)) : undefined;
      isKnown = true;
      if (!resource && !make) throw new Problem("unknown_function", `There is no function "${name}".`);
      const isDead = resource !== undefined && watch.unrenewedMs(resource, performance.now()) > TAKEOVER_MS;
      const isMarked = resource !== undefined && publishingSince(resource) !== undefined;
      if (resource?.metadata.deletionTimestamp !== undefined || (isMarked && !isDead)) {
        await delay(TURN_PAUSE_MS, signal);
        continue;
      }
      const { by, annotations } = newMark();
      try {
        if (!resource) {
          const createdAt = annotations[ANNOTATIONS.publishingSince]!;
          const body = make!({ ...annotations, [ANNOTATIONS.createdAt]: createdAt });
          const created = await api.create<FunctionResource>(functionPlace(namespace), body);
          return { resource: created, by, isNew: true, isTakenOver: false };
        }
        const { resourceVersion } = resource.metadata;
        const patch = { metadata: { resourceVersion, annotations } };
        const marked = await api.patch<FunctionResource>(functionPlace(namespace, name), patch);
        const mark = { by, isNew: false, isTakenOver: isMarked };
        if (!isMarked) return { ...mark, resource: marked };
        print(`${name}: took over from a deploy whose manager has died`);
        return { ...mark, resource: await this.#cleanUp(marked, by) };
      } catch (error) {
        // Another manager was first: read again.
        if (!hasStatus(error, 409)) throw error;
      }
    }
    const detail = `Another deploy of "${name}" has not ended; try again in a moment.`;
    throw new Problem("too_many_waiting", detail, { retryAfterS: 5 });
  }

  /** Removes what the deploy of the dead manager left, before the next one begins. */
  async #cleanUp(resource: FunctionResource, by: string): Promise<FunctionResource> {
    const { api, namespace, limits } = this.#options;
    const mended = await cleanUp(resource, { api, namespace, limits });
    if (mended.length === 0) return resource;
    return await api.patchJson(functionPlace(namespace, resource.metadata.name), [
      onlyWithMark(by),
      ...mended,
    ]);
  }

  /** Removes the mark. After a failure the leader removes it later. */
  async #unmark({ owner: { name }, by, resource }: Turn): Promise<void> {
    const { api, namespace } = this.#options;
    const { signal } = this.#closing;
    // A late attempt must not remove the mark of the next deploy.
    const patch = [onlyWithMark(by), ...withoutMark(resource)];
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

/**
 * Reads the Function of a turn again.
 * @throws Problem `unknown_function` if it was removed, `platform_unavailable` if another manager took the turn over
 */
export async function refresh(turn: Turn, { api, namespace }: Cluster): Promise<void> {
  const { name, uid } = turn.owner;
  const fresh = await api.get<FunctionResource>(functionPlace(namespace, name));
  if (fresh?.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined)
    throw new Problem("unknown_function", `The function "${name}" was removed meanwhile.`);
  if (fresh.metadata.annotations?.[ANNOTATIONS.publishingBy] !== turn.by) throw turnLost(name);
  turn.resource = fresh;
}

function turnLost(name: string): Problem {
  const detail = `This manager was too slow, and another one changes "${name}" now: try again in a moment.`;
  return new Problem("platform_unavailable", detail, { retryAfterS: 2 });
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
