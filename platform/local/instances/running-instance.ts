import type { Instance, InstanceDescription } from "../../platform.ts";
import type { Settings } from "../../settings/settings.ts";
import type { InstanceResources } from "../resources/instance-resources.ts";

/** One running copy of one version, without regard to its launcher. Times are monotonic. */
export interface RunningInstance extends Instance {
  readonly version: number;
  readonly settings: Settings;
  /** It is a server of somebody else, which knows nothing of Skiff. */
  readonly isForeign: boolean;
  readonly resources: InstanceResources;
  readonly startedAtMs: number;
  readonly readyAtMs: number | undefined;
  /** Resolves after the first answered probe; rejects with StartError if the instance ends before that. */
  readonly ready: Promise<void>;
  /** With one call per instance: it has taken its call. */
  readonly isSpent: boolean;
  /** Resolves when it has taken the one call of its life; pending for others. */
  readonly spent: Promise<void>;
  /** Resolves when it ends, with the reason for people. */
  readonly exited: Promise<string>;
  /** Resolves when its processes and files are gone. */
  readonly ended: Promise<void>;
  /** The platform ends it, so that its end is no crash. */
  readonly stopping: boolean;
  /** The system error that prevented its start, if any. */
  readonly cause: unknown;
  /** Memory that it was expected to need, estimated at its start. */
  readonly expectedMiB: number;
  /** Last measured memory; undefined where the system does not report it. */
  readonly usedMiB: number | undefined;
  /** When its event loop last answered `ping`. */
  readonly answeredAtMs: number;
  describe(state: InstanceDescription["state"]): InstanceDescription;
  /** Pings its event loop, which works without a connection while it drains. */
  ping(): void;
  /** Lets the calls under way finish within `graceMs`. The endpoints must no longer have the instance. */
  drain(graceMs: number): Promise<void>;
  /** Ends it at once. `because` is the reason for people. */
  kill(because: string): void;
  /** Ends it because it uses more memory than it may. A host of programs answers its calls first, within half a second. */
  endOutOfMemory(because: string): void;
}

/** Thrown when an instance ends before it is ready. */
export class StartError extends Error {
  override readonly name = "StartError";
  /** The last lines that it printed. */
  readonly log: readonly string[];

  constructor(reason: string, log: readonly string[], cause?: unknown) {
    super(reason, { cause });
    this.log = log;
  }
}
