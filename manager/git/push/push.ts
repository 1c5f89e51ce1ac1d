import type { Principal } from "../../../http/access/principal.ts";
import type { OpenRepository } from "../homes/home.ts";
import type { RefUpdate } from "../repository.ts";

/** A push whose objects have arrived, and which changes nothing yet. */
export interface Push {
  readonly repository: OpenRepository;
  readonly principal: Principal;
  readonly updates: readonly RefUpdate[];
  /** Push options, as they were sent. */
  readonly options: readonly string[];
  /** The folder with the new objects; undefined if it has none, as one that only deletes. */
  readonly objects: string | undefined;
  /** Base of the URLs of functions, without a slash at its end. */
  readonly baseUrl: string;
  /** The hosts at which the client reached the manager. */
  readonly reachedAt: readonly string[];
  /** Aborts when the client leaves or the manager closes. */
  readonly signal: AbortSignal;
  /** Sends a line to the client at once. */
  readonly say: (line: string) => void;
}

/** What became of an accepted push. */
export interface Accepted {
  /** `stored`: it left the branch that deploys alone. */
  readonly result: "deployed" | "stored";
  /** For the audit log, such as `main abc1234: hello version 4`. */
  readonly detail: string;
  /** The repository as it was saved. */
  readonly repository: OpenRepository;
}

/**
 * Decides about a push, and deploys it.
 * @throws Problem whose detail says why the push is refused and what to do; nothing is changed then
 */
export type ReceivePush = (push: Push) => Promise<Accepted>;
