/**
 * The program inside every instance. It loads the bundle, serves its handler on the address of the start message,
 * reports that it is ready, and drains on SIGTERM.
 */
import { Calls } from "./calls.ts";
import { exportedHandler } from "./handler.ts";
import { Places } from "./places.ts";
import { loadFromPool } from "./pool.ts";
import { readParts } from "./project/unpack.ts";
import { RequestView } from "./request-view.ts";
import { HeldPort, InstanceServer } from "./server.ts";
import { type PoolMessage, START_VARIABLE, type StartMessage } from "./start-message.ts";

/** Time after loading in which a module without a handler must call `Deno.serve`. */
const SERVE_WITHIN_MS = 3_000;

const NO_HANDLER =
  "The module has no handler: export default a function or an object with fetch, or call Deno.serve.";

function readStartMessage(): StartMessage | PoolMessage {
  let text = Deno.env.get(START_VARIABLE);
  if (text !== undefined) return JSON.parse(text);
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(64 * 1024);
  for (text = ""; !text.endsWith("\n"); ) {
    const count = Deno.stdin.readSync(chunk);
    if (count === null) Deno.exit(0);
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return JSON.parse(text);
}

/** Resource id of standard input. */
const STDIN = 0;

/** The functions of Deno's core that the runtime needs; `Deno.stdin.read` would keep the event loop alive. */
interface DenoCore {
  read(resource: number, chunk: Uint8Array): Promise<number>;
  unrefOpPromise(promise: Promise<unknown>): void;
}

/**
 * Answers each input with `alive`, which shows that the event loop runs, also after the server has closed. Standard
 * input ends with the platform, and the instance ends with it. Waiting for input does not keep the event loop alive: Deno
 * starts the main module of a project only when nothing else does, and a module that never serves ends early.
 */
async function followPlatform(exit: typeof Deno.exit, answer: () => void): Promise<void> {
  const chunk = new Uint8Array(16);
  const { core } = Reflect.get(Deno, Reflect.get(Deno, "internal")) as { core: DenoCore };
  const { read, unrefOpPromise } = core;
  try {
    for (let count = 1; count > 0; ) {
      const reading = read(STDIN, chunk);
      unrefOpPromise(reading);
      count = await reading;
      if (count > 0) answer();
    }
  } finally {
    // Also if the function closed standard input: without it this instance would outlive the platform.
    exit(0);
  }
}

function keepEnvironment(names: readonly string[]): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (!names.includes(name)) Deno.env.delete(name);
  }
}

/**
 * Listens on the Unix socket, and revokes the permission for its path before the function is loaded. With it the
 * function could replace the socket by a folder of symbolic links.
 */
function holdSocket(listen: { readonly unix: string }): HeldPort {
  // The router calls only after the runtime has printed that it is ready.
  const held = new HeldPort(listen, () => new Response("This instance is starting.", { status: 503 }));
  for (const name of ["read", "write"] as const) Deno.permissions.revokeSync({ name, path: listen.unix });
  return held;
}

/**
 * Writes the bundle from the gzipped parts of a ConfigMap, and revokes the permissions for it: afterwards the function
 * can read its bundle and no other file there.
 */
async function joinParts(folder: string, bundle: string): Promise<void> {
  const file = new URL(bundle);
  await Deno.writeFile(file, readParts(folder));
  Deno.permissions.revokeSync({ name: "write", path: file });
  Deno.permissions.revokeSync({ name: "read", path: folder });
}

/** Logs errors outside of calls. They must not end the instance with the calls under way. */
function surviveLooseErrors(): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    console.error("unhandled rejection:", event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    console.error("uncaught error:", event.error);
  });
}

/**
 * Returns the printers of `ready` and `alive`. Called before the function is loaded, and keeps the nonce in bytes only:
 * neither a changed realm nor a heap snapshot, which needs no permission, may reveal it. With the nonce a worker could
 * print `alive` for a blocked event loop.
 */
function takePrinters(message: { nonce?: string }): readonly [() => void, () => void] {
  const { nonce } = message;
  if (nonce === undefined) return [() => {}, () => {}];
  delete message.nonce;
  const printer = (text: string) => {
    const line = new TextEncoder().encode(`${nonce} ${text}\n`);
    return Deno.stdout.writeSync.bind(Deno.stdout, line);
  };
  return [printer("ready"), printer("alive")];
}

/** Lets WebSockets hold the places of their calls. Reads the original late, because Deno takes 1 ms to load it. */
function followSockets(calls: Calls): void {
  const { get } = Object.getOwnPropertyDescriptor(Deno, "upgradeWebSocket")!;
  Deno.upgradeWebSocket = (...args) => {
    const upgrade = (get!.call(Deno) as typeof Deno.upgradeWebSocket)(...args);
    calls.follow(upgrade);
    return upgrade;
  };
}

async function main(): Promise<void> {
  const given = readStartMessage();
  const loaded = "pool" in given ? await loadFromPool(given.pool) : undefined;
  const message = loaded?.start ?? (given as StartMessage);
  const { listen } = message;
  const [printReady, printAlive] = takePrinters(message);
  const exit = Deno.exit.bind(Deno);
  if (Deno.env.get(START_VARIABLE) === undefined) void followPlatform(exit, printAlive);
  keepEnvironment(message.env);
  // Deno stores them by main module, which all functions share. The platform denies the storage, and libraries find
  // neither global.
  for (const name of ["localStorage", "caches"]) Reflect.deleteProperty(globalThis, name);

  const places = new Places(message.concurrency ?? Infinity);
  const calls = new Calls(message.function, places, new RequestView("unix" in listen));
  const address = loaded?.port ?? ("unix" in listen ? holdSocket(listen) : listen.port);
  const server = new InstanceServer(calls, address);
  Deno.serve = ((...args: [unknown, unknown?]) => server.serveForProgram(...args)) as typeof Deno.serve;
  followSockets(calls);
  Deno.addSignalListener("SIGTERM", async () => {
    // Calls under way are answered; WebSockets are closed with 1001, going away (RFC 6455, section 7.4.1).
    await server.shutdown();
    await calls.settled();
    exit(0);
  });

  const fail = (error: unknown) => {
    console.error(error);
    exit(1);
  };
  const serve = (module: { default?: unknown }) => {
    const handler = exportedHandler(module.default);
    if (!server.started && handler) server.start(handler);
    // Return without a timer if possible: Deno takes 5 ms to load the first one.
    if (server.started) return;
    const timer = setTimeout(() => fail(NO_HANDLER), SERVE_WITHIN_MS);
    void server.listening.then(() => clearTimeout(timer));
  };
  const { bundle, parts } = message;
  // Not awaited: a program may await the end of its server at the top level (`await server.finished`).
  const load = (module: string) => void import(module).then(serve).catch(fail);
  const ready = server.listening.then(() => {
    surviveLooseErrors();
    loaded?.serves();
    printReady();
  });
  if (bundle === undefined) {
    // Deno runs the main module after this one, and dispatches the event behind it. Then the import returns that module.
    globalThis.addEventListener("load", () => load(Deno.mainModule), { once: true });
    return;
  }
  if (parts !== undefined) await joinParts(parts, bundle);
  load(bundle);
  await ready;
}

try {
  await main();
} catch (error) {
  console.error(error);
  Deno.exit(1);
}
