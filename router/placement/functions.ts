import type { Load } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { currentOf } from "../../platform/traffic.ts";
import type { FunctionStats } from "../metrics/stats.ts";
import { Route, type RouteOptions } from "./version.ts";

/** Most bytes that are read from an instance at once. */
const READ_BYTES = 64 * 1024;

/** The routes of all functions that were called, kept equal to the platform's endpoints. */
export class Routes {
  readonly #byName = new Map<string, Route>();
  /** Routes of removed functions whose last calls have not ended. */
  readonly #removed = new Set<Route>();
  readonly #options: RouteOptions;
  readonly #readBuffer = Buffer.allocUnsafeSlow(READ_BYTES);
  readonly #stopWatching: () => void;

  constructor(options: RouteOptions) {
    const { platform } = options;
    const report = (load: Load) => platform.report(this.#withRemoved(load));
    this.#options = {
      ...options,
      platform: {
        report,
        endpoints: (name) => platform.endpoints(name),
        watch: (listener) => platform.watch(listener),
        wake: (name, version) => platform.wake(name, version),
      },
    };
    this.#stopWatching = options.platform.watch((name, endpoints) => {
      const route = this.#byName.get(name);
      if (route === undefined) return;
      const serving = currentOf(endpoints);
      if (serving !== undefined) route.update(serving);
      else this.#remove(route);
    });
  }

  /** Undefined if there is no such function. Made at the first call, so that idle functions cost nothing. */
  get(name: string): Route | undefined {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const endpoints = currentOf(this.#options.platform.endpoints(name));
    if (endpoints === undefined) return undefined;
    const route = new Route({ name, endpoints }, this.#options, this.#readBuffer);
    this.#byName.set(name, route);
    return route;
  }

  #remove(route: Route): void {
    this.#byName.delete(route.name);
    route.remove(unknownFunction(route.name));
    for (const each of this.#removed) if (each.isIdle) this.#removed.delete(each);
    if (!route.isIdle) this.#removed.add(route);
  }

  /** The platform still has the instances of a removed function, also when there is a new one of the same name. */
  #withRemoved(load: Load): Load {
    const { name, version } = load;
    const removed = [...this.#removed].filter((route) => route.name === name && !route.isIdle);
    const current = this.#byName.get(name);
    if (removed.length === 0) return current?.load ?? load;
    const routes = current === undefined ? removed : [...removed, current];
    const calls = current?.calls ?? { name, version, inFlight: 0, waiting: 0 };
    return { ...calls, byInstance: () => new Map(routes.flatMap((route) => [...route.byInstance()])) };
  }

  *stats(): Iterable<FunctionStats> {
    for (const route of this.#byName.values()) yield route.stats();
  }

  /** Refuses the calls that wait and breaks off those under way. */
  close(problem: Problem): void {
    this.#stopWatching();
    const routes = [...this.#byName.values(), ...this.#removed];
    for (const route of routes) route.refuseWaiting(problem);
    for (const route of routes) route.destroy(problem);
  }
}

export function unknownFunction(name: string | undefined): Problem {
  if (!name) return new Problem("unknown_function", "The path names no function; call /fn/NAME.");
  const shown = name.slice(0, 80);
  return new Problem(
    "unknown_function",
    `There is no function "${shown}"; deploy it with POST /func?name=${shown}.`,
  );
}
