/**
 * A pod of the pool: a process that is ready and waits. It is given a function once, by who holds the installation's
 * key, and is that function's instance for the rest of its life. pool.sh is its parent.
 */
import { HeldPort } from "./held-port.ts";
import { decodeLoad, LOAD_HEADER, type LoadMessage } from "./load-message.ts";
import { Opener } from "./sealed.ts";
import { type PoolMessage, PROBE_HEADER, type StartMessage } from "./start-message.ts";

/** The exit code that tells pool.sh to start what was loaded, with permissions of its own. */
const START_LOADED = 75;
/** Largest load; a source of 20 MiB makes a bundle of about its size, and twice that with its source map. */
const LOAD_BYTES = 128 * 1024 ** 2;

export interface Loaded {
  readonly start: StartMessage;
  readonly port: HeldPort;
  /** Tells who loaded the function that it takes calls. */
  readonly serves: () => void;
}

type Pool = PoolMessage["pool"];

/** Resolves when a function was loaded that runs in this process; for another one the process ends. */
export async function loadFromPool(pool: Pool): Promise<Loaded> {
  const opener = await takeKey(pool);
  await warm(opener, pool);
  const { promise, resolve } = Promise.withResolvers<Loaded>();
  const served = Promise.withResolvers<void>();
  let isTaken = false;
  const load = async (request: Request): Promise<Response> => {
    if (Number(request.headers.get("content-length") ?? Infinity) > LOAD_BYTES)
      return refuse(413, "too large");
    const sealed = new Uint8Array(await request.arrayBuffer());
    let opened: Uint8Array;
    try {
      opened = await opener.open(sealed);
    } catch (error) {
      return refuse(403, `not for this pod: ${(error as Error).message}`);
    }
    if (isTaken) return refuse(409, "a function was loaded already");
    isTaken = true;
    const { message, bundle } = decodeLoad(opened);
    await write(pool, message, bundle);
    if (!message.inPlace) {
      void port.close().then(() => Deno.exit(START_LOADED));
      return new Response(null, { status: 202 });
    }
    letGo(pool);
    resolve({ start: message.start, port, serves: () => served.resolve() });
    await served.promise;
    return new Response(null, { status: 204 });
  };
  const port = new HeldPort({ port: pool.port }, (request) => {
    if (request.headers.has(PROBE_HEADER)) return new Response(null, { status: 204 });
    if (request.method === "POST" && request.headers.has(LOAD_HEADER)) return load(request);
    return refuse(503, "this pod is of no function yet");
  });
  const stop = () => void port.close().then(() => Deno.exit(0));
  Deno.addSignalListener("SIGTERM", stop);
  const loaded = await promise;
  Deno.removeSignalListener("SIGTERM", stop);
  return loaded;
}

/**
 * Goes the way of a load once with what is none: what Deno loads and compiles at the first use takes longer than the
 * load itself.
 */
async function warm(opener: Opener, { bundle }: Pool): Promise<void> {
  await opener.warm();
  await writeBundle(bundle, new TextEncoder().encode("export default () => undefined;"));
  // Under another name than that of the function, which has not been loaded then.
  await import(`file://${bundle}?warm`);
  Deno.removeSync(bundle);
}

/**
 * Leaves no file with the key: a function may find a way to read every file of its container. What stays in the memory of
 * this process opens nothing but the one load that it has accepted by the time a function runs here.
 */
async function takeKey({ uid, key, verifyPublic }: Pool): Promise<Opener> {
  let own: Uint8Array;
  try {
    own = Deno.readFileSync(key);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // The leader replaces a pod of the pool whose container was started again.
    throw new Error(
      "This pod has no key any more: its container was started again before it had a function.",
    );
  }
  Deno.removeSync(key);
  for (const name of ["read", "write"] as const) Deno.permissions.revokeSync({ name, path: key });
  const verifier = Uint8Array.from(atob(verifyPublic), (character) => character.charCodeAt(0));
  return await Opener.from({ verifyPublic: verifier, own }, uid);
}

/** The script comes last and whole: a container that is started again before it is there is still of no function. */
async function write(pool: Pool, message: LoadMessage, bundle: Uint8Array): Promise<void> {
  await writeBundle(pool.bundle, bundle);
  if (message.inPlace) Deno.writeTextFileSync(pool.inPlace, "");
  const draft = `${pool.restart}.new`;
  Deno.writeTextFileSync(draft, restartScript(message));
  Deno.renameSync(draft, pool.restart);
}

/** Gzipped or not: what is gzip begins as no module does (RFC 1952, section 2.3.1). */
async function writeBundle(file: string, bundle: Uint8Array): Promise<void> {
  if (bundle[0] !== 0x1f || bundle[1] !== 0x8b) {
    Deno.writeFileSync(file, bundle);
    return;
  }
  const stream = new Blob([bundle as Uint8Array<ArrayBuffer>]).stream();
  await Deno.writeFile(file, stream.pipeThrough(new DecompressionStream("gzip")));
}

/** What the function must not have: its bundle and the script are what the platform made of them. */
function letGo({ bundle, restart, inPlace }: Pool): void {
  for (const path of [bundle, restart, `${restart}.new`, inPlace]) {
    Deno.permissions.revokeSync({ name: "write", path });
  }
  for (const path of [restart, `${restart}.new`, inPlace]) {
    Deno.permissions.revokeSync({ name: "read", path });
  }
}

/**
 * For pool.sh, which has put the path of Deno into `$deno`. What is started is settled before the function's variables
 * are set: one of them may have the name of one of the script's own.
 */
export function restartScript({ arguments: args, env }: Pick<LoadMessage, "arguments" | "env">): string {
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is no name of a variable`);
    return `export ${name}=${quote(value)}\n`;
  });
  return `set -- "$deno" ${args.map(quote).join(" ")}\n${variables.join("")}exec "$@"\n`;
}

/** For a POSIX shell: nothing within single quotes means anything. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function refuse(status: number, reason: string): Response {
  return new Response(`${reason}\n`, { status });
}
