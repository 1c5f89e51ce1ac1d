import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Access } from "../../http/access/access.ts";
import { isLoopbackHost } from "../../http/access/host.ts";

const LEAST_CHARACTERS = 16;
/** Characters of a Bearer credential (b64token of RFC 6750). */
const TOKEN = /^[-A-Za-z0-9._~+/]+=*$/;

export interface ListenOptions {
  /** Name or address without brackets that the server listens on. */
  readonly host: string;
  /** File for the hash of a token that Skiff creates. */
  readonly tokenFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Returns the access rule for the host of the server: without a token on loopback only, unless `SKIFF_ACCESS` is
 * `open`. A new token is returned once, to be printed.
 * @throws Error if the variables contradict each other or the token is too weak
 */
export function accessFor({ host, tokenFile, env }: ListenOptions): {
  access: Access;
  createdToken?: string;
} {
  // Compose files and systemd units pass unset variables as empty ones.
  const given = env.SKIFF_TOKEN || undefined;
  const mode = env.SKIFF_ACCESS || undefined;
  if (mode !== undefined && mode !== "open") {
    throw new Error(`SKIFF_ACCESS=${mode} is unknown: use "open", or remove it to protect the API.`);
  }
  if (mode === "open") {
    if (given === undefined) return { access: { mode } };
    throw new Error("SKIFF_ACCESS=open and SKIFF_TOKEN contradict each other: set one of them.");
  }
  const loopback = isLoopbackHost(host);
  if (loopback && given === undefined) return { access: { mode: "loopback" } };
  const { hash, created } = loadOrCreateToken(tokenFile, given);
  const whereabouts =
    given === undefined
      ? `Skiff printed the token when it created ${tokenFile}, which has its hash: delete that file and start Skiff again for a new one.`
      : "The token is the variable SKIFF_TOKEN of Skiff.";
  const access: Access = { mode: "token", tokenHash: hash, whereabouts, ...(loopback ? { loopback } : {}) };
  return { access, ...(created === undefined ? {} : { createdToken: created }) };
}

export interface LoadedToken {
  /** SHA-256 of the token in hex. */
  readonly hash: string;
  /** The token itself if it is new. Only its hash is stored. */
  readonly created?: string;
}

/**
 * Returns the hash of the given token, or the stored hash, or that of a new token, which it stores. Only the owner can
 * read the file.
 * @throws Error if the given token is too weak or cannot be sent, or if the file is damaged
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
      `SKIFF_TOKEN has ${token.length} characters and is too easy to guess: use at least ${LEAST_CHARACTERS}, such as the output of "openssl rand -hex 32".`,
    );
  }
  if (TOKEN.test(token)) return token;
  throw new Error(
    'SKIFF_TOKEN has characters that a Bearer token cannot have: use letters, digits and -._~+/ (with "=" at the end only).',
  );
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
  if (hash !== undefined) return hash;
  throw new Error(`${file} has no token hash: delete it to create a new token, or set SKIFF_TOKEN.`);
}

/** Writes a file atomically, also if the power fails. */
function writeDurably(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: "wx", flush: true });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
