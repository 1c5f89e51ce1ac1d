import { inspect } from "node:util";
import { Callers } from "../http/access/caller.ts";
import { traceRefused } from "../http/request-problems.ts";
import { Traces } from "../http/traceparent.ts";
import type { TrustedProxies } from "../http/trusted-proxies.ts";
import type { KeyTable } from "../platform/keys/key-table.ts";
import { draining, Problem, type ProblemCode, toProblem } from "../platform/problems.ts";
import { FAILURE_LIMIT, LimitedLog } from "../process/limited-log.ts";
import { Call, type CallContext, type CallInput } from "./call/call.ts";
import { recordCall } from "./call/record.ts";
import { Relay } from "./call/relay.ts";
import type { Ingress } from "./exchange/request.ts";
import type { FunctionStats, RouterTotals } from "./metrics/stats.ts";
import { Functions } from "./placement/functions.ts";
import { Timers } from "./placement/placement.ts";
import type { FunctionsOptions } from "./placement/version.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";
import type { InstanceClient } from "./upstream/instance-client.ts";

export interface RouterOptions extends FunctionsOptions {
  /** Records calls; none are recorded by default. The caller closes it, after the router. */
  readonly telemetry?: Telemetry;
  /** None by default. */
  readonly proxies?: TrustedProxies | undefined;
  /** None by default. */
  readonly keys?: KeyTable;
}

/** Refuses a call or lets it pass. Rules run in order and read memory only. */
type Rule = (call: Call, router: Router) => Problem | undefined;

const ADMISSION: readonly Rule[] = [
  ({ input }) => input.problem,
  (_, router) => (router.isClosing ? draining() : undefined),
  ({ request }) => (request.head.method === "TRACE" ? traceRefused() : undefined),
  (call, router) => call.find(router.functions),
  (call) => call.authorize(),
  (call) => call.choose(),
  ({ request }) => request.problem,
  (call, router) => call.admit(router.functions.gates),
  (call) => call.takeBody(),
];

/** The data plane. A call goes admission → acquire an instance → forward → finish. */
export class Router {
  readonly functions: Functions;
  readonly ingress: Ingress;
  readonly #options: RouterOptions;
  readonly #timers = new Timers();
  readonly #context: CallContext;
  readonly #unrouted: Partial<Record<ProblemCode, number>> = {};
  readonly #webSockets = new Set<Call>();
  /** Closes each connection after its next response, so that its client reconnects elsewhere. */
  isLeaving = false;
  isClosing = false;
  #calls = 0;
  #allEnded: () => void = () => {};

  constructor(options: RouterOptions) {
    const { limits, print, telemetry, keys, proxies } = options;
    this.#options = options;
    this.functions = new Functions(options);
    const callers = new Callers(limits, keys);
    this.ingress = { proxies, hosts: this.functions.hosts, isOwn: (key) => callers.isSkiff(key) };
    this.#context = {
      ...{ limits, callers },
      failures: new LimitedLog(print, FAILURE_LIMIT),
      timers: this.#timers,
      traces: new Traces(telemetry?.tracer),
      isRecorded: telemetry?.accessLog !== undefined || telemetry?.tracer !== undefined,
      isClosing: () => this.isClosing,
      forward: (call: Call, instance: InstanceClient) => this.#forward(call, instance),
      finish: (call: Call) => this.#finish(call),
    };
  }

  /** Takes a call. Everything else about it is called from here. */
  take(input: CallInput): void {
    this.#calls++;
    if (this.isLeaving) input.response.shouldKeepAlive = false;
    const call = new Call(this.#context, input);
    if (input.upgrade !== undefined) this.#webSockets.add(call);
    try {
      for (const rule of ADMISSION) {
        const problem = rule(call, this);
        if (problem !== undefined) throw problem;
      }
      call.placement.acquire(call.placement.version!);
    } catch (error) {
      if (!(error instanceof Problem)) this.#options.print(`The router failed: ${inspect(error)}`);
      const problem = toProblem(error);
      if (call.fn === undefined) this.countRefusal(problem.code);
      call.refuse(problem);
    }
  }

  /** Sends a call to an instance on which it has a place. The relay passes the response back. */
  #forward(call: Call, instance: InstanceClient): void {
    call.placement.phase = "forwarding";
    // Also without a body to wait for: Node closes the connection of a client that got no 100 Continue.
    call.continue();
    if (call.reserves(instance)) return;
    const relay = new Relay(call);
    call.relay = relay;
    relay.connection = instance.send(call.outgoing, relay);
  }

  /** Ends a call whose response was sent or whose client is gone, exactly once. */
  #finish(call: Call): void {
    call.finish();
    if (this.#context.isRecorded) recordCall(call, this.#options.telemetry!);
    const { body } = call.input;
    if (body?.isComplete === false) body.discard();
    this.#webSockets.delete(call);
    if (--this.#calls === 0) this.#allEnded();
  }

  stats(): Iterable<FunctionStats> {
    return this.functions.stats();
  }

  totals(): RouterTotals {
    const { accessLog, tracer } = this.#options.telemetry ?? {};
    const [logLinesDropped, spansDropped] = [accessLog?.dropped ?? 0, tracer?.dropped ?? 0];
    return { unrouted: { ...this.#unrouted }, logLinesDropped, spansDropped };
  }

  /** Counts a request that its server or the admission refused before its function was known. */
  readonly countRefusal = (code: ProblemCode): void => {
    this.#unrouted[code] = (this.#unrouted[code] ?? 0) + 1;
  };

  /**
   * Refuses new calls with 503 `draining`, closes WebSockets with 1001, and breaks off the calls that are
   * left after `drainMs`, the limit by default.
   */
  async close({ drainMs = this.#options.limits.drainMs }: { drainMs?: number } = {}): Promise<void> {
    this.isClosing = true;
    // WebSockets do not end by themselves.
    for (const call of this.#webSockets) call.tunnel?.goAway();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#allEnded = resolve;
    const timer = setTimeout(resolve, this.#calls === 0 ? 0 : drainMs);
    await promise;
    clearTimeout(timer);
    for (const call of this.#webSockets) call.input.upgrade?.socket.destroy();
    this.functions.close(draining());
    this.#timers.close();
  }
}
