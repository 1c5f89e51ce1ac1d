import type { Replaced } from "../start-message.ts";

/**
 * The packed form of a project: the folder that Deno runs, with the packages that it imports. Builds write it, and whoever
 * starts an instance unpacks it.
 *
 * Layout: magic number (4 bytes) · length of the launch (2 bytes) · launch as JSON · gzipped body.
 * Layout of the body: length of the index (4 bytes) · index as JSON · the contents of the files in its order.
 * Numbers are big-endian.
 */
/** What a launch has to know of a project without unpacking it. */
export interface ProjectLaunch {
  /** Path of the main module. */
  readonly entry: string;
  /** Parts of Node that the runtime has to replace, because a file of the project names them. */
  readonly replaced: readonly Replaced[];
  /** Hosts of its remote modules, as `host:port`. */
  readonly importHosts: readonly string[];
  /** The registry that `jsr:` imports were resolved with, if it is not jsr.io. */
  readonly jsrUrl?: string;
  /** Set if a program runs instead of Deno. The other members are empty then. */
  readonly program?: ProgramLaunch;
  /** Set if an image runs. The body has no files then. */
  readonly image?: ImageLaunch;
}

export interface ProgramLaunch {
  /** Program and arguments. Those that are files of the project are relative and begin with `./`. */
  readonly command: readonly string[];
  /** Files that can be executed. */
  readonly executables: readonly string[];
}

export interface ImageLaunch {
  /** Name and digest, such as `docker.io/library/nginx@sha256:…`. */
  readonly reference: string;
}

/** Contents by path: relative, with "/", without "." and "..". */
export type ProjectFiles = ReadonlyMap<string, Uint8Array>;

type Index = readonly (readonly [path: string, bytes: number])[];

/** No module begins with it. */
const MAGIC = [0x00, 0x73, 0x6b, 0x70];
const LAUNCH_BYTES = 2;
/** Bytes of a body before its index, which hold the length of the index. */
export const INDEX_BYTES = 4;

/** Returns the launch of a packed project; undefined if the bytes are a module. */
export function launchOf(artifact: Uint8Array): ProjectLaunch | undefined {
  if (MAGIC.some((byte, index) => artifact[index] !== byte)) return undefined;
  const start = MAGIC.length + LAUNCH_BYTES;
  return JSON.parse(new TextDecoder().decode(artifact.subarray(start, start + launchLength(artifact))));
}

/** Returns the gzipped body of a packed project. */
export function bodyOf(artifact: Uint8Array): Uint8Array {
  return artifact.subarray(MAGIC.length + LAUNCH_BYTES + launchLength(artifact));
}

/** @param body gzipped */
export function joinProject(launch: ProjectLaunch, body: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(launch));
  const start = MAGIC.length + LAUNCH_BYTES;
  const whole = new Uint8Array(start + json.length + body.length);
  whole.set(MAGIC);
  new DataView(whole.buffer).setUint16(MAGIC.length, json.length);
  whole.set(json, start);
  whole.set(body, start + json.length);
  return whole;
}

/** Encodes the body of a project in pieces, without gzip. */
export function* encodeFiles(files: ProjectFiles): Generator<Uint8Array> {
  const index: Index = [...files].map(([path, bytes]) => [path, bytes.length]);
  const json = new TextEncoder().encode(JSON.stringify(index));
  const length = new Uint8Array(INDEX_BYTES);
  new DataView(length.buffer).setUint32(0, json.length);
  yield length;
  yield json;
  yield* files.values();
}

/** @param body unzipped @throws Error if it is damaged, or a path leaves the project */
export function decodeFiles(body: Uint8Array): ProjectFiles {
  const end = INDEX_BYTES + indexLength(body);
  const files = new Map<string, Uint8Array>();
  let at = end;
  for (const [path, length] of decodeIndex(body.subarray(INDEX_BYTES, end))) {
    files.set(path, body.subarray(at, at + length));
    at += length;
  }
  if (at !== body.length) throw new Error(`the project has ${body.length} bytes, its index ${at}`);
  return files;
}

/** @param start the first INDEX_BYTES of a body */
export function indexLength(start: Uint8Array): number {
  return new DataView(start.buffer, start.byteOffset).getUint32(0);
}

/** @throws Error if a path leaves the project */
export function decodeIndex(json: Uint8Array): Index {
  const index = JSON.parse(new TextDecoder().decode(json)) as Index;
  for (const [path] of index) {
    if (!isInside(path)) throw new Error(`${JSON.stringify(path)} leaves the project`);
  }
  return index;
}

function isInside(path: string): boolean {
  return path !== "" && path.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

function launchLength(artifact: Uint8Array): number {
  return new DataView(artifact.buffer, artifact.byteOffset).getUint16(MAGIC.length);
}
