import type { Timers } from "../../timers.ts";
import type { RunWork } from "../works.ts";

/**
 * Timers of a driver.
 * @param shard the row in which this program counts calls
 */
export function timers(run: RunWork, shard: number): Timers {
  return {
    set: (timer) => run("setTimer", timer),
    get: (name) => run("getTimer", name),
    remove: (name) => run("removeTimer", name),
    due: (now, limit) => run("dueTimers", now, limit),
    fire: (firing) => run("fire", firing, shard),
    firings: (name, page) => run("listFirings", name, page),
  };
}
