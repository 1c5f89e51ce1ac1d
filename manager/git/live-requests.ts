import { type CommitId, NO_COMMIT, type RefUpdate } from "./repository.ts";

/** A request of git that is being served. */
export interface LiveRequest {
  readonly name: string;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
  /** Where other pushes moved refs meanwhile. */
  readonly moved: Map<string, CommitId>;
  /** What Skiff accepted of it. */
  accepted: readonly RefUpdate[];
}

/** Tracks requests of git by repository: what they use stays, and refs that they move without a decision go back. */
export class LiveRequests {
  readonly #requests = new Set<LiveRequest>();

  begin(name: string): LiveRequest {
    const accepted = this.#of(name).flatMap((each) => each.accepted);
    const moved = new Map(accepted.map(({ ref, to }) => [ref, to]));
    const request: LiveRequest = { name, since: Date.now(), moved, accepted: [] };
    this.#requests.add(request);
    return request;
  }

  end(request: LiveRequest): void {
    this.#requests.delete(request);
  }

  /** Takes note that git moves refs for a request, before it does. */
  accept(request: LiveRequest, updates: readonly RefUpdate[]): void {
    request.accepted = updates;
    for (const each of this.#of(request.name)) for (const { ref, to } of updates) each.moved.set(ref, to);
  }

  /** Returns when the oldest request of a repository began; undefined if there is none. */
  since(name: string): number | undefined {
    const times = this.#of(name).map(({ since }) => since);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  #of(name: string): LiveRequest[] {
    return [...this.#requests].filter((each) => each.name === name);
  }
}

/** Returns how refs move to where they are wanted. */
export function undoOf(
  now: ReadonlyMap<string, CommitId>,
  wanted: ReadonlyMap<string, CommitId>,
): RefUpdate[] {
  return [...new Set([...now.keys(), ...wanted.keys()])].flatMap((ref) => {
    const [from, to] = [now.get(ref) ?? NO_COMMIT, wanted.get(ref) ?? NO_COMMIT];
    return from === to ? [] : [{ ref, from, to }];
  });
}
