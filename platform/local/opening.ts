import { join } from "node:path";
import type { DeclarationKinds } from "../declarations.ts";
import type { Limits } from "../limits.ts";
import type { LogLine } from "../platform.ts";
import type { EvictableInstance } from "./budget/memory-budget.ts";
import type { WatchTimes } from "./instances/instance-watch.ts";
import { Instances } from "./instances/instances.ts";
import { removeTreeSync } from "./instances/remove-tree.ts";
import { Networks } from "./network/networks.ts";
import { makeDataFolder } from "./store/data-folder.ts";
import { Store } from "./store/store.ts";
import type { FunctionRecord } from "./store/store-database.ts";
import type { IsolationMode } from "./wall/isolation.ts";
import type { WallKind } from "./wall/profile.ts";

export interface LocalPlatformOptions {
  /** Everything that must outlive a restart is in this folder; it is made if it does not exist. */
  readonly dataFolder: string;
  readonly limits: Limits;
  /** Kinds of declarations; DECLARATION_KINDS by default. */
  readonly kinds?: DeclarationKinds;
  /** Paths in that folder that others use and that a crash leaves behind: removed when it is opened. */
  readonly leftovers?: readonly string[];
  /** Called with every line that a function prints, and with what the platform logs about it. */
  readonly onLine?: (name: string, line: LogLine) => void;
  /** Resolves when every router obeys the newest endpoints; a change of the traffic or a removal is done then. */
  readonly spread?: () => Promise<void>;
  /** What holds functions in; `auto` by default. */
  readonly isolation?: IsolationMode;
  /** Walls to try, the strongest first; all that there are by default. With none `auto` finds no wall. */
  readonly walls?: readonly WallKind[];
  /** Puts a wall of the kernel's around the connections of functions as well, where it can be had. */
  readonly walledNetwork?: boolean;
  /** How often instances are looked after; WATCH_TIMES by default. */
  readonly watchTimes?: Partial<WatchTimes>;
  /** False measures memory only, as where the system has no control groups for Skiff. */
  readonly useGroups?: boolean;
}

/** What a platform consists of that takes time to open. */
export interface Opened {
  readonly store: Store;
  readonly instances: Instances;
  readonly functions: readonly FunctionRecord[];
}

/**
 * Opens the data folder.
 * @param idle instances that may be stopped to make room
 * @throws Error in words for the person who started Skiff, when the data folder cannot be used
 */
export async function openParts(
  options: LocalPlatformOptions,
  idle: () => Iterable<EvictableInstance>,
): Promise<Opened> {
  const { leftovers = [], limits, isolation = "auto", onLine = () => {} } = options;
  const dataFolder = makeDataFolder(options.dataFolder);
  const probeNetworks = () =>
    Networks.probe({
      folder: join(dataFolder, "networks"),
      onLine: (text) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text }),
    });
  const store = await Store.open(join(dataFolder, "skiff.db"));
  let instances: Instances | undefined;
  try {
    // The folder is locked. What a crash left behind may fill the disk: it goes before anything is written.
    for (const path of leftovers) removeTreeSync(join(dataFolder, path));
    instances = new Instances({
      dataFolder,
      store,
      limits,
      isolation,
      walls: options.walls,
      idle,
      useGroups: options.useGroups,
      probeNetworks: options.walledNetwork ? probeNetworks : undefined,
    });
    await store.prepare();
    return { store, instances, functions: await store.functions() };
  } catch (error) {
    await instances?.close();
    await store.close();
    throw error;
  }
}
