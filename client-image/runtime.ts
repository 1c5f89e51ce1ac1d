/**
 * The program inside every instance. It loads the bundle, serves its handler on the address of the start message,
 * reports that it is ready, and drains on SIGTERM.
 */
import { Calls } from "./calls.ts";
import { CallConsole } from "./console/call-console.ts";
import { followFetchListeners } from "./forms/fetch-listener.ts";
import { serveListeners } from "./globals/serve-http.ts";
import { replaceStorage } from "./globals/storage.ts";
import { exportedHandler, type Variables } from "./handler.ts";
import { replaceParts } from "./node/replaced.ts";
import { replacedIn } from "./node/uses.ts";
import { Places } from "./places.ts";
import { loadFromPool } from "./pool.ts";
import { readParts } from "./project/unpack.ts";
import { RequestView } from "./request-view.ts";
import { HeldPort, InstanceServer } from "./server.ts";
import { type PoolMessage, START_VARIABLE, type StartMessage } from "./start-message.ts";
import { standardInput, watchIdle } from "./starting/idle.ts";

const NO_HANDLER =
  "The module has no handler: export default a function or an object with fetch, or call Deno.serve. " +
  "The module has ended and nothing is under way. A function that serves later must be awaited: `await main()`.";

type Printed = "listening" | "ready" | "alive" | "spent";

/** Variables that every function has. */
const PLATFORM_VARIABLES = ["TMPDIR", "HOME"];

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

/**
 * Answers each input with `alive`, which shows that the event loop runs, also after the server has closed. Standard
 * input ends with the platform, and the instance ends with it.
 */
async function followPlatform(exit: typeof Deno.exit, answer: () => void): Promise<void> {
  const chunk = new Uint8Array(16);
  const read = Deno.stdin.read.bind(Deno.stdin);
  try {
    while ((await read(chunk)) !== null) answer();
  } finally {
    // Also if the function closed standard input: without it this instance would outlive the platform.
    exit(0);
  }
}

/** The variables that the function declares. */
function variablesOf({ env }: StartMessage): Variables {
  const declared = env.filter((name) => !PLATFORM_VARIABLES.includes(name));
  return Object.fromEntries(declared.map((name) => [name, Deno.env.get(name) ?? ""]));
}

function keepEnvironment(message: { env: readonly string[]; secrets?: StartMessage["secrets"] }): void {
  for (const name of Object.keys(Deno.env.toObject())) {
    if (!message.env.includes(name)) Deno.env.delete(name);
  }
  for (const [name, value] of Object.entries(message.secrets ?? {})) Deno.env.set(name, value);
  delete message.secrets;
}

/**
 * Listens on the Unix socket, and revokes the permission for its path before the function is loaded. With it the
 * function could replace the socket by a folder of symbolic links. Until `ready` resolves, requests wait: the platform
 * sends its first probe while the function is loaded, and the router calls later.
 */
function holdSocket(listen: { readonly unix: string }, ready: Promise<void>): HeldPort {
  const held: HeldPort = new HeldPort(listen, async (request, info) => {
    await ready;
    return await held.answer(request, info);
  });
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

/** Without the global URL, which Deno takes 1 ms to load. */
function readBundle(bundle: string): string {
  return Deno.readTextFileSync(decodeURIComponent(bundle.slice("file://".length)));
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
 * Returns the printers of `listening`, `ready`, `alive` and `spent`. Called before the function is loaded, and keeps the nonce
 * in bytes only: neither a changed realm nor a heap snapshot, which needs no permission, may reveal it. With the nonce a
 * worker could print `alive` for a blocked event loop.
 */
function takePrinters(message: { nonce?: string }): Readonly<Record<Printed, () => void>> {
  const { nonce } = message;
  const none = () => {};
  if (nonce === undefined) return { listening: none, ready: none, alive: none, spent: none };
  delete message.nonce;
  const printer = (text: string) => {
    const line = new TextEncoder().encode(`${nonce} ${text}\n`);
    return Deno.stdout.writeSync.bind(Deno.stdout, line);
  };
  return {
    listening: printer("listening"),
    ready: printer("ready"),
    alive: printer("alive"),
    spent: printer("spent"),
  };
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

/** Returns the default export, also of CommonJS that a compiler made of a module (`__esModule`). */
function defaultOf(module: { default?: unknown }): unknown {
  const exported = module.default as { __esModule?: unknown; default?: unknown } | undefined;
  return typeof exported === "object" && exported?.__esModule ? exported.default : exported;
}

async function main(): Promise<void> {
  const given = readStartMessage();
  const loaded = "pool" in given ? await loadFromPool(given.pool) : undefined;
  const message = loaded?.start ?? (given as StartMessage);
  const { listen } = message;
  const print = takePrinters(message);
  const exit = Deno.exit.bind(Deno);
  const hasInput = Deno.env.get(START_VARIABLE) === undefined;
  if (hasInput) void followPlatform(exit, print.alive);
  keepEnvironment(message);
  replaceStorage();

  // In a pod it waits for its removal: an exit would start its container again, for another call.
  const over = (isAnswered: boolean) =>
    hasInput && void (isAnswered ? leave() : calls.settled().then(() => exit(0)));
  const oneCall = { taken: print.spent, over, refusesProbes: !hasInput };
  const places = new Places(message.concurrency ?? Infinity, message.isOnce ? oneCall : undefined);
  const callConsole = new CallConsole();
  callConsole.install();
  const calls = new Calls({
    function: message.function,
    places,
    view: new RequestView("unix" in listen),
    console: callConsole,
  });
  const ready = Promise.withResolvers<void>();
  const address = loaded?.port ?? ("unix" in listen ? holdSocket(listen, ready.promise) : listen.port);
  print.listening();
  const server = new InstanceServer(calls, address);
  Deno.serve = ((...args: [unknown, unknown?]) => server.serveForProgram(...args)) as typeof Deno.serve;
  followSockets(calls);
  serveListeners(server);
  const fetchListener = followFetchListeners();
  const leave = async () => {
    // Deno's shutdown would break the bodies that are being received (docs/upstream.md).
    await places.received();
    // Calls under way are answered; WebSockets are closed with 1001, going away (RFC 6455, section 7.4.1).
    await server.shutdown();
    await calls.settled();
    exit(0);
  };
  Deno.addSignalListener("SIGTERM", leave);

  const fail = (error: unknown) => {
    console.error(error);
    exit(1);
  };
  const serve = (module: { default?: unknown }) => {
    if (server.started) return;
    const handler = exportedHandler(defaultOf(module), variablesOf(message)) ?? fetchListener();
    if (handler) server.start(handler);
  };
  const kept = [
    ...(hasInput ? [standardInput()] : []),
    ...(address instanceof HeldPort ? [address.server] : []),
  ];
  const keepRunning = watchIdle(kept, () => fail(NO_HANDLER));
  const { bundle, parts, replaced } = message;
  if (bundle !== undefined && parts !== undefined) await joinParts(parts, bundle);
  await replaceParts(replaced ?? (bundle === undefined ? [] : replacedIn(readBundle(bundle))), server);
  // Not awaited: a program may await the end of its server at the top level (`await server.finished`).
  const load = (module: string) => void import(module).then(serve).catch(fail);
  if (bundle !== undefined) load(bundle);
  // Deno runs the main module of a project as soon as nothing of this one keeps the event loop alive, and dispatches the
  // event behind it. Then the import returns that module.
  else globalThis.addEventListener("load", () => load(Deno.mainModule), { once: true });
  await server.listening;
  keepRunning();
  surviveLooseErrors();
  loaded?.serves();
  print.ready();
  ready.resolve();
}

// Not awaited: an empty event loop would end the process with an error about this module.
main().catch((error) => {
  console.error(error);
  Deno.exit(1);
});
