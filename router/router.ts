import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import type { Limits } from "../platform/limits.ts";
import type { Platform } from "../platform/platform.ts";
import { Problem, toProblem } from "../platform/problems.ts";
import { Call } from "./call.ts";
import * as problems from "./call-problems.ts";
import { FailureLog } from "./failure-log.ts";
import { Routes, unknownFunction } from "./routes.ts";
import type { FunctionStats } from "./stats.ts";
import { parseTarget } from "./target.ts";
import { Upgrades } from "./upgrades.ts";

export interface RouterOptions {
  readonly platform: Platform;
  readonly limits: Limits;
  /** Takes one line for people: what failed, and why. */
  readonly print: (line: string) => void;
  /** True while the program shuts down: new calls get 503. */
  readonly draining?: () => boolean;
}

export interface Router {
  /**
   * Answers any request below /fn. `expectsContinue` is for the server's `checkContinue` event: the client
   * is told to go on when an instance has been found; without it, node has told it already.
   */
  handle(request: IncomingMessage, response: ServerResponse, expectsContinue?: boolean): void;
  /** Answers a WebSocket handshake below /fn. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  stats(): Iterable<FunctionStats>;
  /** Refuses new calls with 503 `draining`, lets calls finish for `drainMs` (default: the limit), then ends them. */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** The data plane. A call goes target → route → place → forward → finish; the last three are call.ts. */
export function createRouter({ platform, limits, print, draining }: RouterOptions): Router {
  const routes = new Routes({ platform, limits, print });
  let closing = false;
  let calls = 0;
  let allEnded: () => void = () => {};
  const isClosing = () => closing || (draining?.() ?? false);
  const ended = () => {
    if (--calls === 0) allEnded();
  };
  const context = { limits, failures: new FailureLog(print), isClosing, ended };
  const upgrades = new Upgrades(context);

  function start(call: Pick<Call, "start" | "refuse">, request: IncomingMessage): void {
    calls++;
    try {
      if (isClosing()) throw problems.draining();
      if (request.method === "TRACE") {
        throw new Problem("method_not_allowed", "TRACE is not passed on to functions; use another method.");
      }
      const target = parseTarget(request.url!);
      const route = target && routes.get(target.name);
      if (!route) throw unknownFunction(target?.name);
      call.start(target, route);
    } catch (error) {
      if (!(error instanceof Problem)) print(`The router failed: ${inspect(error)}`);
      call.refuse(toProblem(error));
    }
  }

  return {
    handle(request, response, expectsContinue = false) {
      start(new Call(context, { request, response, expectsContinue }), request);
    },
    upgrade(request, socket, head) {
      start(upgrades.add(request, socket, head), request);
    },
    stats: () => routes.stats(),
    async close({ drainMs = limits.drainMs } = {}) {
      closing = true;
      const { promise, resolve } = Promise.withResolvers<void>();
      allEnded = resolve;
      const timer = setTimeout(resolve, calls === 0 ? 0 : drainMs);
      await promise;
      clearTimeout(timer);
      upgrades.close();
      await routes.close(problems.draining());
    },
  };
}
