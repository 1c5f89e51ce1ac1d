import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { limitsFromEnv } from "../../../../../platform/limits.ts";
import type { CallInput } from "../../../../../router/call/call.ts";
import { CallServer } from "../../../../../router/server/call-server.ts";
import type { Script } from "../scripts/script.ts";
import { Recorder } from "./recorder.ts";
import { StubCall } from "./stub-call.ts";

/** A server of calls whose router records what it gets. */
export class Reader {
  readonly server: CallServer;
  readonly #recorders = new Map<number, Recorder>();
  /** The sockets that have carried a connection: it changes its socket. */
  readonly #sockets = new Map<number, Set<Socket>>();
  readonly #hosts = { byName: new Map<string, string>(), revision: 0 };
  /** Checks the connections that wait. */
  #check: () => void = () => {};

  private constructor(begin?: (server: CallServer, socket: Socket) => void) {
    const router = {
      isLeaving: false,
      ingress: { proxies: undefined, hosts: this.#hosts },
      countRefusal: () => {},
      take: (input: CallInput) => this.#take(input),
    };
    this.server = new CallServer({ router, limits: limitsFromEnv({}), headersMs: 60_000 });
    const [listener] = this.server.listeners("connection") as ((socket: Socket) => void)[];
    this.server.removeAllListeners("connection").on("connection", (socket: Socket) => {
      this.#sockets.set(socket.remotePort ?? -1, new Set([socket]));
      if (begin) begin(this.server, socket);
      else this.#withoutClock(() => listener!.call(this.server, socket));
    });
  }

  /** The server as it is, but for the clock: its connections are checked by `check` alone. */
  static fast(): Reader {
    return new Reader();
  }

  /** The same server, which gives every connection to Node at once. */
  static node(): Reader {
    return new Reader((server, socket) => server.takeByNode(socket));
  }

  record(port: number, script: Script): Recorder {
    const recorder = new Recorder(script);
    this.#recorders.set(port, recorder);
    return recorder;
  }

  forget(port: number): void {
    this.#recorders.delete(port);
    this.#sockets.delete(port);
  }

  /** Bytes of a connection that were read and written. */
  counted(port: number): { read: number; written: number } {
    const all = [...(this.#sockets.get(port) ?? [])];
    const most = (key: "bytesRead" | "bytesWritten") => Math.max(0, ...all.map((socket) => socket[key]));
    return { read: most("bytesRead"), written: most("bytesWritten") };
  }

  /** Gives a function a host name, or none. */
  nameHost(hasHost: boolean): void {
    const { byName } = this.#hosts;
    if (byName.size === (hasHost ? 1 : 0)) return;
    byName.clear();
    if (hasHost) byName.set("example.com", "echo");
    this.#hosts.revision++;
  }

  connect(connection: Duplex): void {
    this.server.emit("connection", connection);
  }

  /** A head that has begun is Node's after two checks. */
  check(): void {
    this.#check();
    this.#check();
  }

  #take(input: CallInput): void {
    const { socket } = input.request.head;
    const recorder = this.#recorders.get(socket.remotePort ?? -1);
    // The client is gone.
    if (recorder === undefined) return;
    this.#sockets.get(socket.remotePort!)?.add(socket);
    new StubCall(input, recorder, recorder.plan).start();
  }

  #withoutClock(run: () => void): void {
    const { setInterval } = globalThis;
    const replacement = (check: () => void) => {
      this.#check = check;
      return setInterval(() => {}, 2 ** 31 - 1);
    };
    globalThis.setInterval = replacement as typeof setInterval;
    try {
      run();
    } finally {
      globalThis.setInterval = setInterval;
    }
  }
}
