import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { MemoryKills } from "./memory-kills.ts";
import {
  listProcesses,
  numberBefore,
  type ProcessEntry,
  readProcess,
  wasStartedWith,
} from "./process-list.ts";

/** Looks without a process after which a tree counts as ended. */
const EMPTY_LOOKS = 2;
const BETWEEN_LOOKS_MS = 2;
/** Looks for processes to stop before they are killed. */
const MOST_STOPPING_LOOKS = 100;
/** A tree that is killed for so long cannot be ended: the instance ends then. */
const MOST_KILLING_MS = 5_000;

/** Node ends the wait for its own children only, so a host that is the first process collects those of others. */
const MOST_ENDED_CHILDREN = 64;

export interface ProcessTreesOptions {
  /** Nothing but the host, its ancestors and what it starts should be in its process ids; this is checked. */
  readonly ownsProcesses?: boolean;
  /** Called when ended processes use up the ids of the instance, and no call is under way. */
  readonly onCrowded?: () => void;
}

/** Thrown when processes of a call outlive SIGKILL. */
export class UndyingTree extends Error {}

/** The processes of the calls under way, each with all of its descendants. */
export class ProcessTrees {
  readonly memoryKills = new MemoryKills();
  readonly #running = new Set<ProcessTree>();
  /** Nothing but the host, its ancestors and what it starts is in its process ids. */
  readonly ownsProcesses: boolean;
  readonly #onCrowded: () => void;
  readonly #startTicks = readProcess(process.pid)?.startTicks ?? 0;

  constructor({ ownsProcesses = false, onCrowded = () => {} }: ProcessTreesOptions = {}) {
    this.ownsProcesses = ownsProcesses && isAlone();
    this.#onCrowded = onCrowded;
  }

  /**
   * Tracks the process that leads a session of its own.
   * @param variable `NAME=value` in its environment, and in that of no other tree
   */
  begin(leader: number, variable: string): ProcessTree {
    const tree = new ProcessTree(this, leader, variable);
    this.#running.add(tree);
    return tree;
  }

  /** The tree is the only one, and all processes can be killed at once, which no fork escapes. */
  get hasOnlyOne(): boolean {
    return this.ownsProcesses && this.#running.size <= 1;
  }

  /** Kills all processes of a tree that can be found now. Returns how many were found besides the group of its leader. */
  strike(tree: ProcessTree): number {
    if (this.hasOnlyOne) {
      signal(-1, "SIGKILL");
      return 0;
    }
    signal(-tree.leader, "SIGKILL");
    // A stopped process cannot fork while the others are found.
    const stopped = new Set<number>();
    for (let looks = 0; looks < MOST_STOPPING_LOOKS; looks++) {
      const found = tree.members().filter((pid) => !stopped.has(pid));
      for (const pid of found) {
        stopped.add(pid);
        signal(pid, "SIGSTOP");
      }
      if (found.length === 0) break;
    }
    for (const pid of stopped) signal(pid, "SIGKILL");
    return stopped.size;
  }

  /** Forgets a tree that has ended, and kills what no call under way can have started. */
  forget(tree: ProcessTree): void {
    this.#running.delete(tree);
    if (!this.ownsProcesses) return;
    if (this.#running.size === 0) {
      signal(-1, "SIGKILL");
      if (process.pid === 1 && endedChildren() > MOST_ENDED_CHILDREN) this.#onCrowded();
      return;
    }
    const oldest = Math.min(...[...this.#running].map(({ startTicks }) => startTicks));
    for (const { pid, startTicks } of listProcesses()) {
      if (startTicks > this.#startTicks && startTicks < oldest) signal(pid, "SIGKILL");
    }
  }

  /** Kills everything at once: the host ends. */
  strikeAll(): void {
    for (const tree of this.#running) this.strike(tree);
  }
}

/** The processes of one call. */
export class ProcessTree {
  readonly leader: number;
  readonly startTicks: number;
  readonly #trees: ProcessTrees;
  readonly #variable: string;
  #emptyLooks = 0;

  constructor(trees: ProcessTrees, leader: number, variable: string) {
    this.#trees = trees;
    this.leader = leader;
    this.#variable = variable;
    // Zero if it has ended already: then every process may be one of its own.
    this.startTicks = readProcess(leader)?.startTicks ?? 0;
  }

  /** Kills what can be found now. */
  kill(): void {
    this.#emptyLooks = this.#trees.strike(this) === 0 ? 1 : 0;
  }

  /** Kills until nothing is found any more. @throws UndyingTree */
  async end(): Promise<void> {
    const deadlineMs = performance.now() + MOST_KILLING_MS;
    while (this.#emptyLooks < EMPTY_LOOKS && !this.#trees.hasOnlyOne) {
      this.#emptyLooks = this.#trees.strike(this) === 0 ? this.#emptyLooks + 1 : 0;
      if (performance.now() > deadlineMs) throw new UndyingTree(`Processes of ${this.#variable} do not end.`);
      await (this.#emptyLooks > 0 ? turn() : pause(BETWEEN_LOOKS_MS));
    }
    this.#trees.forget(this);
  }

  /** Descendants of the leader, processes of its session, and those with the variable of the call. */
  members(): number[] {
    const later = listProcesses(numberBefore(this.leader)).filter(
      (entry) => !entry.hasEnded && entry.startTicks >= this.startTicks,
    );
    const parents = new Map(later.map(({ pid, parent }) => [pid, parent]));
    const isBelow = (pid: number | undefined): boolean =>
      pid !== undefined && (pid === this.leader || isBelow(parents.get(pid)));
    const isMember = ({ pid, session }: ProcessEntry) =>
      pid !== process.pid && (session === this.leader || isBelow(pid) || wasStartedWith(pid, this.#variable));
    return later.filter(isMember).map(({ pid }) => pid);
  }
}

function endedChildren(): number {
  return listProcesses().filter(({ hasEnded, parent }) => hasEnded && parent === process.pid).length;
}

/** Returns whether every process is this one, one of its ancestors or the first. */
function isAlone(): boolean {
  const parents = new Map(listProcesses().map(({ pid, parent }) => [pid, parent]));
  const ancestors = new Set([1]);
  for (let pid: number | undefined = process.pid; pid !== undefined; pid = parents.get(pid))
    ancestors.add(pid);
  return [...parents.keys()].every((pid) => ancestors.has(pid));
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It has ended, or it is of another user, which only a program with rights to change it can bring about.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
