/**
 * A pod of the pool: a ready process that waits for a function. A holder of the installation's key loads one function
 * into it, and it stays an instance of this function. pool.sh is its parent.
 */
import { decodeLoad, LOAD_HEADER, type LoadMessage } from "./load-message.ts";
import { unpackProject } from "./project/unpack.ts";
import { Opener } from "./sealed.ts";
import { HeldPort } from "./server.ts";
import { type PoolMessage, PROBE_HEADER, type StartMessage } from "./start-message.ts";

/** Exit code after which pool.sh starts the loaded function with permissions of its own. */
const START_LOADED = 75;
/** Time between two exercises of a waiting process. */
const EXERCISE_MS = 60_000;
/** Largest load. A source of 20 MiB gives a bundle of about 20 MiB, and of 40 MiB with its source map. */
const LOAD_BYTES = 128 * 1024 ** 2;

export interface Loaded {
  readonly start: StartMessage;
  readonly port: HeldPort;
  /** Answers the load: the function accepts calls. */
  readonly serves: () => void;
}

type Pool = PoolMessage["pool"];

/** Resolves when a function was loaded that runs in this process. For other functions the process exits. */
export async function loadFromPool(pool: Pool): Promise<Loaded> {
  const opener = await takeKey(pool);
  await warm(opener, pool);
  const exercise = new Exercise(() => warm(opener, pool), pool.exerciseMs ?? EXERCISE_MS);
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
    // It writes the same file.
    await exercise.end();
    const { message, bundle } = decodeLoad(opened);
    await write(pool, message, bundle);
    if (!message.inPlace) {
      void port.server.shutdown().then(() => Deno.exit(START_LOADED));
      return new Response(null, { status: 202 });
    }
    revokePermissions(pool);
    resolve({ start: message.start, port, serves: () => served.resolve() });
    await served.promise;
    return new Response(null, { status: 204 });
  };
  const port = new HeldPort({ port: pool.port }, (request) => {
    if (request.headers.has(PROBE_HEADER)) return new Response(null, { status: 204 });
    if (request.method === "POST" && request.headers.has(LOAD_HEADER)) return load(request);
    return refuse(503, "this pod has no function yet");
  });
  const stop = () => void port.server.shutdown().then(() => Deno.exit(0));
  Deno.addSignalListener("SIGTERM", stop);
  const loaded = await promise;
  Deno.removeSignalListener("SIGTERM", stop);
  return loaded;
}

/** Repeats the steps of a load while the process waits: a kernel short of memory reclaims pages that nobody uses. */
class Exercise {
  readonly #timer: number;
  #running: Promise<void> = Promise.resolve();

  constructor(steps: () => Promise<void>, everyMs: number) {
    this.#timer = setInterval(() => {
      // A process whose exercise fails could not load either: it ends, and the leader replaces its pod.
      this.#running = steps();
    }, everyMs);
  }

  /** Resolves when the exercise under way is over. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }
}

/** Runs the steps of a load once, because the first run of each makes Deno load and compile code. */
async function warm(opener: Opener, { bundle }: Pool): Promise<void> {
  await opener.warm();
  await writeBundle(bundle, new TextEncoder().encode("export default () => undefined;"));
  // Another specifier than that of the function, because Deno caches modules by specifier.
  await import(`file://${bundle}?warm`);
  Deno.removeSync(bundle);
}

/**
 * Reads and removes the file with the key, because a function may find a way to read all files of its container. The
 * key in memory is useless when a function runs here: this process has accepted its only load then.
 */
async function takeKey({ uid, key, verifyPublic }: Pool): Promise<Opener> {
  let own: Uint8Array;
  try {
    own = Deno.readFileSync(key);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // The leader replaces such a pod.
    throw new Error("This pod has no key any more: its container restarted before it had a function.");
  }
  Deno.removeSync(key);
  for (const name of ["read", "write"] as const) Deno.permissions.revokeSync({ name, path: key });
  const verifier = Uint8Array.from(atob(verifyPublic), (character) => character.charCodeAt(0));
  return await Opener.from({ verifyPublic: verifier, own }, uid);
}

/** Writes the script last and atomically: a container that restarts without the script has no function. */
async function write(pool: Pool, message: LoadMessage, bundle: Uint8Array): Promise<void> {
  if (message.project === undefined) await writeBundle(pool.bundle, bundle);
  else await unpackProject(new Uint8Array(await new Response(unzipped(bundle)).arrayBuffer()), pool.project);
  if (message.inPlace) Deno.writeTextFileSync(pool.inPlace, "");
  const draft = `${pool.restart}.new`;
  Deno.writeTextFileSync(draft, restartScript(message));
  Deno.renameSync(draft, pool.restart);
}

async function writeBundle(file: string, bundle: Uint8Array): Promise<void> {
  await Deno.writeFile(file, unzipped(bundle));
}

/** Unzips a bundle if it begins with the magic number of gzip (RFC 1952, section 2.3.1). */
function unzipped(bundle: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bundle as Uint8Array<ArrayBuffer>]).stream();
  const isZipped = bundle[0] === 0x1f && bundle[1] === 0x8b;
  return isZipped ? stream.pipeThrough(new DecompressionStream("gzip")) : stream;
}

/** Denies the function access to the script, and write access to its bundle. */
function revokePermissions({ bundle, project, restart, inPlace }: Pool): void {
  const hidden = [project, restart, `${restart}.new`, inPlace];
  for (const path of [bundle, ...hidden]) Deno.permissions.revokeSync({ name: "write", path });
  for (const path of hidden) Deno.permissions.revokeSync({ name: "read", path });
}

/** A script for pool.sh, which sets `$deno`. It reads `$deno` before it sets the variables of the function. */
function restartScript({ arguments: args, env, project }: LoadMessage): string {
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new Error(`"${name}" is not a valid variable name`);
    return `export ${name}=${quote(value)}\n`;
  });
  const folder = project === undefined ? "" : `cd ${quote(project)} || exit 1\n`;
  return `set -- "$deno" ${args.map(quote).join(" ")}\n${folder}${variables.join("")}exec "$@"\n`;
}

/** Quotes an argument for a POSIX shell, which interprets nothing within single quotes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function refuse(status: number, reason: string): Response {
  return new Response(`${reason}\n`, { status });
}
