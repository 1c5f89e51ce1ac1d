import { type CommitId, NO_COMMIT, type RefUpdate } from "./repository.ts";

/** A request of git that is being served. */
export interface LiveRequest {
  readonly name: string;
  /** When it began, in milliseconds since 1970. */
  readonly since: number;
  /** Its place among requests and notes of tips. */
  readonly order: number;
  /** Where other pushes moved refs meanwhile. */
  readonly moved: Map<string, CommitId>;
  /** What Skiff accepted of it. */
  accepted: readonly RefUpdate[];
}

/** Tracks requests of git by repository: what they use stays, and refs that they move without a decision go back. */
export class LiveRequests {
  /** The oldest first. */
  readonly #requests = new Set<LiveRequest>();
  /** Where refs were since a note of them, by repository. */
  readonly #tips = new Map<string, { readonly order: number; readonly tips: Set<CommitId> }>();
  #order = 0;

  begin(name: string): LiveRequest {
    const accepted = this.#of(name).flatMap((each) => each.accepted);
    const moved = new Map(accepted.map(({ ref, to }) => [ref, to]));
    const request: LiveRequest = {
      ...{ name, since: Date.now(), order: this.#order++ },
      ...{ moved, accepted: [] },
    };
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

  /**
   * Notes where the refs of a repository are, after each change of them.
   * @returns where the requests that are being served may have found them; undefined as long as one is older than the notes
   */
  noteTips(name: string, tips: Iterable<CommitId>): readonly CommitId[] | undefined {
    const [oldest] = this.#of(name);
    if (oldest === undefined) {
      this.#tips.delete(name);
      return [];
    }
    const noted = this.#tips.get(name);
    if (noted !== undefined && oldest.order < noted.order) {
      for (const tip of tips) noted.tips.add(tip);
      return undefined;
    }
    this.#tips.set(name, { order: this.#order++, tips: new Set(tips) });
    return noted && [...noted.tips];
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
