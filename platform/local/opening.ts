import { join } from "node:path";
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
  /** Folder of everything that must outlive a restart. It is made if it does not exist. */
  readonly dataFolder: string;
  readonly limits: Limits;
  /** Paths in that folder that a crash of other parts leaves behind. They are removed at the start. */
  readonly leftovers?: readonly string[];
  /** Receives every line that a function prints or that the platform logs about it. */
  readonly onLine?: (name: string, line: LogLine) => void;
  /** Resolves when every router uses the newest endpoints. A change of the traffic or a removal waits for it. */
  readonly spread?: () => Promise<void>;
  /** What isolates functions; `auto` by default. */
  readonly isolation?: IsolationMode;
  /** Walls to try, strongest first; all of WALL_KINDS by default. */
  readonly walls?: readonly WallKind[];
  /** Also limits the connections of functions by the kernel, where that works. */
  readonly walledNetwork?: boolean;
  /** Intervals of the health checks; WATCH_TIMES by default. */
  readonly watchTimes?: Partial<WatchTimes>;
  /** False: measure memory without control groups. */
  readonly useGroups?: boolean;
}

/** The parts of a platform that are opened asynchronously. */
export interface Opened {
  readonly store: Store;
  readonly instances: Instances;
  readonly functions: readonly FunctionRecord[];
}

/**
 * Opens the data folder.
 * @param idle instances that may be stopped for their memory
 * @throws Error with advice for the operator if the data folder cannot be used
 */
export async function openParts(
  options: LocalPlatformOptions,
  idle: () => Iterable<EvictableInstance>,
): Promise<Opened> {
  const { leftovers = [], limits, isolation = "auto", onLine = () => {} } = options;
  const dataFolder = makeDataFolder(options.dataFolder);
  const log = (text: string) => onLine("skiff", { at: new Date(), instance: "", stream: "platform", text });
  const probeNetworks = () => Networks.probe({ folder: join(dataFolder, "networks"), onLine: log });
  const store = await Store.open(join(dataFolder, "skiff.db"));
  let instances: Instances | undefined;
  try {
    // The folder is locked. Leftovers of a crash may fill the disk, so they are removed before the first write.
    for (const path of leftovers) removeTreeSync(join(dataFolder, path));
    instances = new Instances({
      ...{ dataFolder, store, limits, isolation, idle },
      walls: options.walls,
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
