import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join, sep } from "node:path";
import { Problem } from "../../problems.ts";

const KEY_BYTES = 32;
const VARIABLE = "SKIFF_SECRETS_KEY";
const FILE_VARIABLE = "SKIFF_SECRETS_KEY_FILE";
const HEX = /^[0-9a-f]{64}$/i;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
/** A wrong key is the operator's to mend, which takes a while. */
const RETRY_AFTER_S = 60;

/** Where the key is. */
export type KeySource = { readonly key: Uint8Array } | { readonly file: string };

export interface Key {
  readonly bytes: Uint8Array;
  /** Tells keys apart and reveals nothing of them. */
  readonly id: string;
}

/**
 * Reads the variables of the key: `SKIFF_SECRETS_KEY`, or `SKIFF_SECRETS_KEY_FILE`, by default `skiff/secrets.key` in
 * the user's folder for configuration.
 * @throws Error that names the variable to correct, without its value
 */
export function keySource(env: Readonly<Record<string, string | undefined>>): KeySource {
  const [text, file] = [env[VARIABLE] || undefined, env[FILE_VARIABLE] || undefined];
  if (text === undefined) return { file: file ?? join(configFolder(env), "skiff", "secrets.key") };
  if (file !== undefined) {
    throw new Error(`${VARIABLE} and ${FILE_VARIABLE} contradict each other: set one of them.`);
  }
  const key = parseKey(text);
  if (key !== undefined) return { key };
  throw new Error(
    `${VARIABLE} is not a key of ${KEY_BYTES} bytes in hex or base64: use the output of "openssl rand -hex ${KEY_BYTES}".`,
  );
}

function configFolder({ XDG_CONFIG_HOME, HOME }: Readonly<Record<string, string | undefined>>): string {
  return XDG_CONFIG_HOME?.startsWith("/") ? XDG_CONFIG_HOME : join(HOME || homedir(), ".config");
}

function parseKey(text: string): Uint8Array | undefined {
  const trimmed = text.trim();
  if (HEX.test(trimmed)) return Buffer.from(trimmed, "hex");
  return BASE64.test(trimmed) ? Buffer.from(trimmed, "base64") : undefined;
}

/** The key that encrypts the values of secrets. Its file is read, or created, when a secret is first used. */
export class SecretKey {
  readonly #source: KeySource | undefined;
  readonly #dataFolder: string;
  #key: Key | undefined;

  constructor(source: KeySource | undefined, dataFolder: string) {
    this.#source = source;
    this.#dataFolder = dataFolder;
  }

  /** @throws Problem `secrets_unavailable` */
  forReading(): Key {
    this.#key ??= keyOf(
      this.#read() ??
        this.#fail(
          "does not exist: restore it, or remove all secrets with DELETE /secret/NAME and put their values again",
        ),
    );
    return this.#key;
  }

  /**
   * Creates the file if no value was encrypted before.
   * @throws Problem `secrets_unavailable`
   */
  forWriting(hasValues: boolean): Key {
    if (hasValues) return this.forReading();
    this.#key ??= keyOf(this.#read() ?? this.#create());
    return this.#key;
  }

  /** @throws Problem `secrets_unavailable`: the value was encrypted with another key, or changed */
  wrongKey(name: string): never {
    const source = this.#source;
    const where =
      source !== undefined && "file" in source ? `in ${source.file} (${FILE_VARIABLE})` : `of ${VARIABLE}`;
    const detail = `The secret "${name}" was encrypted with another key than the one ${where}: start Skiff with that key again, or remove the secret and put its value again.`;
    throw unavailable(detail);
  }

  #read(): Uint8Array | undefined {
    const source = this.#source;
    if (source === undefined)
      throw unavailable(`Skiff runs without a key for secrets: set ${FILE_VARIABLE}.`);
    if ("key" in source) return source.key;
    let text: string;
    try {
      if (this.#isInDataFolder(source.file)) {
        this.#fail("is in the data folder, whose copies must not have the key: choose another path");
      }
      text = readFileSync(source.file, "utf8");
    } catch (error) {
      if (error instanceof Problem) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return undefined;
      this.#fail(`cannot be read (${message}): correct its permissions or its path`);
    }
    return parseKey(text) ?? this.#fail(`has no key of ${KEY_BYTES} bytes in hex or base64: restore it`);
  }

  #isInDataFolder(file: string): boolean {
    const folder = realpathSync(nearestFolder(dirname(file)));
    return `${folder}${sep}`.startsWith(`${realpathSync(this.#dataFolder)}${sep}`);
  }

  /** Writes the file completely or not at all, also if the power fails, and never over another one. */
  #create(): Uint8Array {
    const file = this.#file;
    const key = randomBytes(KEY_BYTES);
    const draft = `${file}.${randomBytes(6).toString("hex")}`;
    try {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(draft, `${key.toString("hex")}\n`, { mode: 0o600, flag: "wx", flush: true });
      try {
        linkSync(draft, file);
      } finally {
        rmSync(draft, { force: true });
      }
      syncFolder(dirname(file));
      return key;
    } catch (error) {
      // Another Skiff of this user has created it.
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return this.#read()!;
      this.#fail(`cannot be created (${(error as Error).message}): choose another path`);
    }
  }

  get #file(): string {
    return (this.#source as { readonly file: string }).file;
  }

  #fail(why: string): never {
    throw unavailable(`The key for secrets, ${this.#file} (${FILE_VARIABLE}), ${why}.`);
  }
}

function keyOf(bytes: Uint8Array): Key {
  const id = createHash("sha256").update("skiff secrets key\n").update(bytes).digest("hex").slice(0, 16);
  return { bytes, id };
}

/** The folder, or the nearest one above it that exists. */
function nearestFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(folder) === folder) throw error;
    return nearestFolder(dirname(folder));
  }
}

function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unavailable(detail: string): Problem {
  return new Problem("secrets_unavailable", detail, { retryAfterS: RETRY_AFTER_S, setting: FILE_VARIABLE });
}
