import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type OneCall, Places } from "../../../client-image/places.ts";
import { keptVariables } from "./calls/call-variables.ts";
import { findProgram } from "./calls/find-program.ts";
import { PassedBytes } from "./calls/passed-bytes.ts";
import { PipeStore } from "./calls/pipe-store.ts";
import { ProgramCalls } from "./calls/program-calls.ts";
import { InstanceServer, type InstanceServerOptions } from "./instance-server.ts";
import type { Platform } from "./platform-lines.ts";
import type { CallOrder, ProgramMessage, ServeOrder } from "./program-message.ts";
import { BytePipe } from "./servers/byte-pipe.ts";
import { findListener, portAddresses, type ServerAddress } from "./servers/find-listener.ts";
import { Forwarder } from "./servers/forwarder.ts";
import { ServedProgram } from "./servers/served-program.ts";
import { ProcessTrees } from "./trees/process-trees.ts";

/** Name of the socket of a program that does not listen on that of its instance. */
const PROGRAM_SOCKET = "program";

/** Time for a program to end after the one call of its life, in milliseconds. */
const TIDY_MS = 1_000;

/** What runs in the instance now. */
interface Running {
  /** Resolves when what is under way is answered, and it takes no more. */
  drain(): Promise<void>;
  /** Kills all programs. */
  kill(): void;
  /** Ends the calls under way, if the host answers them, because the memory of the instance runs out. */
  endCalls?(): void;
}

/** Starts what the message asks for, and says so to the platform. */
export class Host {
  readonly #message: ProgramMessage;
  readonly #platform: Platform;
  readonly #variables: NodeJS.ProcessEnv;
  /** An exit would start the container of a pod again, for another call. */
  readonly #staysWhenSpent: boolean;
  #kill: () => void = () => {};
  /** Undefined before it runs, and once it ends by itself. */
  #running: Running | undefined;

  /** @param isPod the platform follows no standard input */
  constructor(message: ProgramMessage, platform: Platform, isPod: boolean) {
    this.#message = message;
    this.#platform = platform;
    this.#staysWhenSpent = isPod;
    this.#variables = keptVariables(message, process.env);
    for (const name of Object.keys(process.env)) if (!(name in this.#variables)) delete process.env[name];
  }

  /** Prints `listening` and `ready` once calls are answered. @throws Error for the log if the program cannot be started */
  async start(): Promise<void> {
    const { host } = this.#message;
    const running =
      host.mode === "call"
        ? await this.#startCalls(host)
        : host.mode === "serve"
          ? await this.#startServer(host)
          : await this.#gate(await findListener(portAddresses(host.port), new AbortController().signal));
    this.#kill = () => running.kill();
    this.#running = running;
    process.once("SIGTERM", () => void this.#leave(running));
    this.#platform.printListening();
    this.#platform.printReady();
  }

  /** Ends all programs, then the host. */
  end(code: number): never {
    this.#kill();
    process.exit(code);
  }

  /** Answers the calls of its programs, whose memory has run out, then ends. The platform has the deadline. */
  async endOutOfMemory(): Promise<void> {
    const running = this.#running;
    running?.endCalls?.();
    if (running?.endCalls) await running.drain();
    await this.#platform.written();
    this.end(0);
  }

  async #leave(running: Running): Promise<void> {
    await running.drain();
    await this.#platform.written();
    this.end(0);
  }

  #leaveCrowded(): void {
    if (!this.#running) return;
    this.#platform.log("info", "The instance ends: too many ended processes of its calls are left.");
    void this.#leave(this.#running);
    this.#running = undefined;
  }

  async #startCalls(order: CallOrder): Promise<Running> {
    findProgram(order, this.#variables);
    const trees = new ProcessTrees({
      ownsProcesses: order.ownsProcesses,
      onCrowded: () => this.#leaveCrowded(),
    });
    if (order.ownsProcesses && !trees.ownsProcesses) {
      this.#platform.log("warn", "Other processes run beside the host, so it ends only those that it finds.");
    }
    const [platform, variables] = [this.#platform, this.#variables];
    const pipes = new PipeStore((reason) =>
      platform.log(
        "debug",
        `Programs get sockets as input and output, because no pipe can be made: ${reason}`,
      ),
    );
    const calls = new ProgramCalls({ order, platform, trees, variables, pipes, passed: new PassedBytes() });
    return await this.#listen({
      answer: (call) => calls.answer(call),
      leave: (callId) => calls.leave(callId),
      takesUpgrades: false,
      kill: () => trees.strikeAll(),
      endCalls: () => calls.endOutOfMemory(),
    });
  }

  async #startServer(order: ServeOrder): Promise<Running> {
    const { listen, isOnce } = this.#message;
    const own = "unix" in listen ? listen.unix : undefined;
    // Between a router and a program that gets one call stands the host.
    const isHosts = isOnce && own !== undefined && order.socket === own;
    const given = isHosts ? { ...order, socket: join(dirname(own), PROGRAM_SOCKET) } : order;
    findProgram(order, this.#variables);
    const program = await ServedProgram.start(given, this.#platform, this.#variables);
    let isStopping = false;
    this.#kill = () => program.kill();
    const address = await program.listening();
    void program.ended.then(async ({ text, code }) => {
      if (isStopping) return;
      this.#platform.log("error", text);
      await this.#platform.written();
      this.end(code);
    });
    const stop = async () => {
      isStopping = true;
      await program.stop(address);
    };
    if (isOnce) {
      const gate = await this.#gate(address);
      // No call follows for which it could tidy up.
      const stopSoon = () => Promise.race([stop(), pause(TIDY_MS)]);
      return { drain: () => gate.drain().then(stopSoon), kill: () => program.kill() };
    }
    const isReached =
      "path" in address ? address.path === own : "port" in listen && address.port === listen.port;
    if (isReached) return { drain: stop, kill: () => program.kill() };
    const pipe = new BytePipe(address);
    await pipe.listen(listen);
    return { drain: () => pipe.drain().then(stop), kill: () => program.kill() };
  }

  /** Passes calls on to a server. */
  #gate(address: ServerAddress): Promise<Running> {
    const forwarder = new Forwarder(address, this.#platform);
    return this.#listen({
      answer: (call) => forwarder.answer(call),
      leave: (callId) => forwarder.leave(callId),
      takesUpgrades: true,
      kill: () => {},
    });
  }

  async #listen({ kill, endCalls, ...options }: ListenOptions): Promise<Running> {
    const { concurrency = Infinity, isOnce, function: func, listen } = this.#message;
    const oneCall: OneCall = {
      taken: () => this.#platform.printSpent(),
      over: () => {
        // With the program behind a gate: its last output is read.
        if (!this.#staysWhenSpent) void this.#leave(this.#running ?? running);
      },
      refusesProbes: this.#staysWhenSpent,
    };
    const places = new Places(concurrency, isOnce ? oneCall : undefined);
    const server = new InstanceServer({ ...options, places, version: func.version });
    const running: Running = { drain: () => server.drain(), kill, ...(endCalls && { endCalls }) };
    await server.listen(listen);
    return running;
  }
}

interface ListenOptions extends Omit<InstanceServerOptions, "places" | "version"> {
  readonly kill: () => void;
  readonly endCalls?: () => void;
}
