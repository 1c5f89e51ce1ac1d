import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import { Problem, type ProblemCode, toProblem } from "../platform/problems.ts";
import { Alarms } from "./call/alarm.ts";
import { Call, type CallOptions } from "./call/call.ts";
import { FailureLog } from "./call/failure-log.ts";
import * as problems from "./exchange/problems.ts";
import type { CallRequest } from "./exchange/request.ts";
import type { CallResponse } from "./exchange/response.ts";
import { parseTarget } from "./exchange/target.ts";
import type { FunctionStats, RouterTotals } from "./metrics/stats.ts";
import { Routes, unknownFunction } from "./placement/functions.ts";
import type { Route, RouteOptions } from "./placement/version.ts";
import { checkFraming, isBehindLast } from "./server/framing.ts";
import type { Seeing } from "./telemetry/telemetry.ts";
import { TraceIds } from "./telemetry/trace-context.ts";
import { Upgrades } from "./websocket/upgrades.ts";

export interface RouterOptions extends RouteOptions {
  /** True while the program shuts down: new calls get 503. */
  readonly draining?: () => boolean;
  /** What is told of every call; nothing by default. The caller closes it, after the router. */
  readonly seeing?: Seeing;
}

export interface Router {
  /**
   * Answers any request below /fn. `expectsContinue` is for the server's `checkContinue` event: the client
   * is told to go on when an instance has been found; without it, node has told it already.
   */
  handle(request: IncomingMessage, response: ServerResponse, expectsContinue?: boolean): void;
  /** Answers a request below /fn without a body, of which plain-head.ts says how it is read. */
  handlePlain(request: CallRequest, response: CallResponse): void;
  /** Answers a WebSocket handshake below /fn. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  stats(): Iterable<FunctionStats>;
  totals(): RouterTotals;
  /** Counts a request that its server refused before the router saw it. */
  countRefusal(code: ProblemCode): void;
  /**
   * Refuses new calls with 503 `draining`, closes WebSockets with 1001, lets calls finish for `drainMs`
   * (default: the limit), then ends them.
   */
  close(options?: { drainMs?: number }): Promise<void>;
}

/** The data plane. A call goes target → route → place → forward → finish; the last three are call.ts. */
export function createRouter({ draining, seeing, ...options }: RouterOptions): Router {
  const { limits, print } = options;
  const routes = new Routes(options);
  let closing = false;
  let calls = 0;
  let allEnded: () => void = () => {};
  const isClosing = () => closing || (draining?.() ?? false);
  const ended = () => {
    if (--calls === 0) allEnded();
  };
  const unrouted: Partial<Record<ProblemCode, number>> = {};
  const countRefusal = (code: ProblemCode) => {
    unrouted[code] = (unrouted[code] ?? 0) + 1;
  };
  const context = {
    limits,
    failures: new FailureLog(print),
    alarms: new Alarms(),
    traceIds: new TraceIds(),
    tracer: seeing?.tracer,
    accessLog: seeing?.accessLog,
    isClosing,
    ended,
  };
  const upgrades = new Upgrades(context);

  function start(call: Pick<Call, "start" | "refuse">, request: CallRequest, options?: CallOptions): void {
    calls++;
    let route: Route | undefined;
    try {
      if (options?.incoming !== undefined) checkFraming(options.incoming, options.response);
      if (isClosing()) throw problems.draining();
      if (request.method === "TRACE") {
        throw new Problem("method_not_allowed", "TRACE is not passed on to functions; use another method.");
      }
      const target = parseTarget(request.url!);
      route = target && routes.get(target.name);
      if (!target || !route) throw unknownFunction(target?.name);
      call.start(target, route);
    } catch (error) {
      if (!(error instanceof Problem)) print(`The router failed: ${inspect(error)}`);
      const problem = toProblem(error);
      if (route === undefined) countRefusal(problem.code);
      call.refuse(problem);
    }
  }

  function startCall(options: CallOptions): void {
    start(new Call(context, options), options.request, options);
  }

  return {
    handle(request, response, expectsContinue = false) {
      if (isBehindLast(request, response)) request.resume();
      else {
        const incoming = request;
        const sendContinue = expectsContinue ? () => response.writeContinue() : undefined;
        startCall({ request, response, incoming, sendContinue });
      }
    },
    handlePlain(request, response) {
      startCall({ request, response });
    },
    upgrade(request, socket, head) {
      start(upgrades.add(request, socket, head), request);
    },
    stats: () => routes.stats(),
    totals: () => ({
      unrouted: { ...unrouted },
      logLinesDropped: seeing?.accessLog?.dropped ?? 0,
      spansDropped: seeing?.tracer?.dropped ?? 0,
    }),
    countRefusal,
    async close({ drainMs = limits.drainMs } = {}) {
      closing = true;
      // They would not end by themselves.
      upgrades.sayFarewell();
      const { promise, resolve } = Promise.withResolvers<void>();
      allEnded = resolve;
      const timer = setTimeout(resolve, calls === 0 ? 0 : drainMs);
      await promise;
      clearTimeout(timer);
      upgrades.close();
      routes.close(problems.draining());
      context.alarms.close();
    },
  };
}
