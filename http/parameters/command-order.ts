import { randomUUID } from "node:crypto";
import type { CommandOrder } from "../../platform/images/commands.ts";
import { checkHostOrder } from "../../platform/images/host-order.ts";
import { HOST_IMAGE } from "../../platform/images/image-reference.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatBytes, formatMs, parseBytes, parseDurationMs } from "../../platform/quantity.ts";
import { isSecretName } from "../../platform/settings/environment.ts";
import { splitWords } from "../../platform/settings/split-words.ts";
import { parseQuery, refuseParameters } from "./query.ts";

const PARAMETERS = ["image", "cmd", "arg", "timeout", "memory", "pull-secret"] as const;
const ENV_FIELD = /^x-skiff-env-(.*)$/i;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MI = 1024 ** 2;
/** Programs do not start with less. */
const LEAST_MEMORY_MIB = 6;

/** What a request says about its command. */
export interface CommandRequest {
  /** Without its `?`. */
  readonly query: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

/**
 * Reads the command of a request from its query and its fields `X-Skiff-Env-NAME`.
 * @throws Problem `invalid_request`, `invalid_setting`
 */
export function readOrder(request: CommandRequest, limits: Limits): Omit<CommandOrder, "input"> {
  const query = parseQuery(request.query);
  const values = new Map(PARAMETERS.map((name) => [name, query.getAll(name)]));
  for (const name of PARAMETERS) {
    query.delete(name);
    if (name !== "arg" && values.get(name)!.length > 1)
      throw invalid(name, `${name} was given twice: give it once`);
  }
  refuseParameters(query, PARAMETERS);
  const one = (name: (typeof PARAMETERS)[number]) => values.get(name)![0];
  const image = one("image");
  if (!image) throw invalid("image", "The image is missing: give one, such as image=alpine:3.20");
  const pullSecret = one("pull-secret");
  if (pullSecret !== undefined && !isSecretName(pullSecret))
    throw invalid("pull-secret", "pull-secret is not the name of a secret");
  const order = {
    id: randomUUID(),
    image,
    command: readCommand(one("cmd"), values.get("arg")!),
    env: readEnv(request.rawHeaders),
    timeoutMs: readTimeout(one("timeout"), limits),
    memoryMiB: readMemory(one("memory"), limits),
    pullSecret,
  };
  if (image === HOST_IMAGE) checkHostOrder(order);
  return order;
}

/** Empty for the command of the image. */
function readCommand(cmd: string | undefined, args: readonly string[]): readonly string[] {
  if (cmd !== undefined && args.length > 0)
    throw invalid("cmd", "cmd and arg contradict each other: give one of them");
  if (args[0] === "") throw invalid("arg", "The first arg is the program, and it is empty");
  const words = cmd === undefined ? args : splitWords(cmd);
  if (words.some((word) => word.includes("\0"))) throw invalid("cmd", "The command has a NUL character");
  if (cmd !== undefined && words.length === 0)
    throw invalid("cmd", "cmd has no word: leave it out to run the command of the image");
  return words;
}

function readTimeout(text: string | undefined, { execMs }: Limits): number {
  if (text === undefined) return execMs;
  const ms = parseDurationMs(text);
  if (ms !== undefined && ms >= 1 && ms <= execMs) return ms;
  const most = `${formatMs(execMs)} (SKIFF_EXEC_TIMEOUT)`;
  throw outOfRange("timeout", text, `use a duration of at most ${most}, such as 10s`);
}

function readMemory(text: string | undefined, { execMemoryBytes }: Limits): number {
  if (text === undefined) return Math.max(1, Math.floor(execMemoryBytes / MI));
  const bytes = parseBytes(text);
  if (bytes !== undefined && bytes >= LEAST_MEMORY_MIB * MI && bytes <= execMemoryBytes)
    return Math.floor(bytes / MI);
  const range = `${LEAST_MEMORY_MIB}Mi to ${formatBytes(execMemoryBytes)} (SKIFF_EXEC_MEMORY)`;
  throw outOfRange("memory", text, `use ${range}`);
}

/** Many clients and proxies send the names of fields in lower case, so a name without a capital gets capitals. */
function readEnv(rawHeaders: readonly string[]): Readonly<Record<string, string>> {
  const env = new Map<string, string>();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const sent = ENV_FIELD.exec(rawHeaders[at]!)?.[1];
    if (sent === undefined) continue;
    const name = /[A-Z]/.test(sent) ? sent : sent.toUpperCase();
    if (!ENV_NAME.test(name)) {
      const shown = rawHeaders[at]!.slice(0, 80);
      throw new Problem("invalid_request", `${shown}: a variable has a name of A-Z, 0-9 and "_".`);
    }
    if (env.has(name))
      throw new Problem("invalid_request", `X-Skiff-Env-${name} was sent twice: send it once.`);
    env.set(name, utf8(rawHeaders[at + 1]!));
  }
  return Object.fromEntries(env);
}

/** Node reads fields as ISO 8859-1, and clients send UTF-8. */
function utf8(value: string): string {
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : value;
}

function outOfRange(setting: string, text: string, advice: string): Problem {
  const detail = `${setting}=${text.slice(0, 40)} is not valid: ${advice}.`;
  return new Problem("invalid_setting", detail, { setting });
}

function invalid(setting: string, what: string): Problem {
  return new Problem("invalid_request", `${what}.`, { setting });
}
