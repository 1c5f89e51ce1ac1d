import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

const LEAST_CHARACTERS = 16;
/** What a `Bearer` credential may consist of (b64token of RFC 6750). */
const TOKEN = /^[-A-Za-z0-9._~+/]+=*$/;

export interface LoadedToken {
  /** SHA-256 of the token in hex. */
  readonly hash: string;
  /** The token itself if it was made just now: the only chance to show it. */
  readonly created?: string;
}

/**
 * The token of the management API: the given one (never stored), else the one whose hash the file keeps,
 * else a new one whose hash is written to the file, readable by its owner alone.
 * @throws Error if the given token is too weak or cannot be sent, or if the file is no token file
 */
export function loadOrCreateToken(file: string, given?: string): LoadedToken {
  if (given !== undefined) return { hash: sha256(checkToken(given)) };
  const stored = readHash(file);
  if (stored !== undefined) return { hash: stored };
  const created = randomBytes(32).toString("base64url");
  const hash = sha256(created);
  writeDurably(file, `sha256:${hash}\n`);
  return { hash, created };
}

function checkToken(token: string): string {
  if (token.length < LEAST_CHARACTERS) {
    throw new Error(
      `SKIFF_TOKEN has ${token.length} characters and is too easy to guess: give at least ${LEAST_CHARACTERS}, such as the output of "openssl rand -hex 32".`,
    );
  }
  if (!TOKEN.test(token)) {
    throw new Error(
      'SKIFF_TOKEN has characters that a Bearer token cannot have: use letters, digits and -._~+/ (with "=" at the end only).',
    );
  }
  return token;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function readHash(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const hash = /^sha256:([0-9a-f]{64})\s*$/.exec(text)?.[1];
  if (hash === undefined) {
    throw new Error(`${file} holds no token hash: delete it to have a new token made, or set SKIFF_TOKEN.`);
  }
  return hash;
}

/** Whole or not at all, also after a power cut: write beside it, flush, rename, flush the folder. */
function writeDurably(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  const fd = openSync(temporary, "wx", 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
  const folderFd = openSync(folder, "r");
  try {
    fsyncSync(folderFd);
  } finally {
    closeSync(folderFd);
  }
}
