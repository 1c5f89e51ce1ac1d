/**
 * The program inside every instance. It loads the bundle, finds the handler in it, serves it on the
 * address that the platform names, says when it is ready, and drains on SIGTERM.
 */
import { Calls } from "./calls.ts";
import { exportedHandler } from "./handler.ts";
import { HeldPort } from "./held-port.ts";
import { joinParts } from "./parts.ts";
import { Places } from "./places.ts";
import { loadFromPool } from "./pool.ts";
import { RequestView } from "./request-view.ts";
import { InstanceServer } from "./server.ts";
import { type PoolMessage, START_VARIABLE, type StartMessage } from "./start-message.ts";

/** How long a module that exports no handler may take to call `Deno.serve` after it was loaded. */
const SERVE_WITHIN_MS = 3_000;

const NO_HANDLER =
  "The module has no handler: export default a function or an object with fetch, or call Deno.serve.";

function readStartMessage(): StartMessage | PoolMessage {
  const given = Deno.env.get(START_VARIABLE);
  if (given !== undefined) return JSON.parse(given);
  return readStartLine();
}

function readStartLine(): StartMessage {
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(64 * 1024);
  let text = "";
  while (!text.endsWith("\n")) {
    const count = Deno.stdin.readSync(chunk);
    if (count === null) Deno.exit(0);
    text += decoder.decode(chunk.subarray(0, count), { stream: true });
  }
  return JSON.parse(text);
}

/**
 * Standard input stays open as long as the platform lives: its end is the end of the instance. What comes on it asks
 * whether the event loop still turns, also when the server takes no connections any more.
 */
async function followPlatform(exit: typeof Deno.exit, answer: () => void): Promise<void> {
  const chunk = new Uint8Array(16);
  const read = Deno.stdin.read.bind(Deno.stdin);
  try {
    while ((await read(chunk)) !== null) answer();
  } finally {
    // Also when the function closed standard input: without it nobody would end this instance.
    exit(0);
  }
}

function keepEnvironment(names: readonly string[]): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (!names.includes(name)) Deno.env.delete(name);
  }
}

/**
 * Listens on the Unix socket and gives up the permission for its path, before any code of the function runs: it could
 * make a folder there, and in that links to anywhere.
 */
function holdSocket({ listen }: StartMessage): HeldPort | undefined {
  if (!("unix" in listen)) return undefined;
  // Nobody calls before the runtime prints that it is ready.
  const held = new HeldPort(listen, () => new Response("This instance is starting.", { status: 503 }));
  for (const name of ["read", "write"] as const) Deno.permissions.revokeSync({ name, path: listen.unix });
  return held;
}

/** An error in one call's loose ends must not end the calls beside it: it is logged, the instance lives. */
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
 * What prints `ready` and `alive`. Made before any code of the function is loaded, and then the nonce stays in bytes alone:
 * what the function changes of the realm must not see it, nor a snapshot of the heap, for which Deno asks no permission.
 * With it a worker could say for a blocked event loop that it is alive.
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

/** WebSockets hold the places of their calls. Deno loads what opens one at the first use, for a millisecond. */
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
  const [printReady, printAlive] = takePrinters(message);
  const exit = Deno.exit.bind(Deno);
  if (Deno.env.get(START_VARIABLE) === undefined) void followPlatform(exit, printAlive);
  keepEnvironment(message.env);
  // Deno keeps what is in them by the main module, which all functions share: the platform sees to it that
  // nothing can be stored, and libraries see that they are not there.
  for (const name of ["localStorage", "caches"]) Reflect.deleteProperty(globalThis, name);

  const places = new Places(message.concurrency ?? Infinity);
  const view = new RequestView("unix" in message.listen);
  const calls = new Calls({ function: message.function, places, view });
  const server = new InstanceServer(calls, message.listen, loaded?.port ?? holdSocket(message));
  Deno.serve = ((...args: [unknown, unknown?]) => server.serveForProgram(...args)) as typeof Deno.serve;
  followSockets(calls);
  Deno.addSignalListener("SIGTERM", async () => {
    // Calls under way are answered, WebSockets are closed with 1001: going away (RFC 6455, 7.4.1).
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
    // The first timer makes Deno load a good deal, for 5 ms: most starts do without.
    if (server.started) return;
    const timer = setTimeout(() => fail(NO_HANDLER), SERVE_WITHIN_MS);
    void server.listening.then(() => clearTimeout(timer));
  };
  if (message.parts !== undefined) await joinParts(message.parts, message.bundle);
  // Not awaited: a program that serves may be loading for as long as it lives (`await server.finished`).
  import(message.bundle).then(serve).catch(fail);
  await server.listening;
  surviveLooseErrors();
  loaded?.serves();
  printReady();
}

try {
  await main();
} catch (error) {
  console.error(error);
  Deno.exit(1);
}
