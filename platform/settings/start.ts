import { Problem } from "../problems.ts";
import { isSecretName } from "./environment.ts";
import { invalid, isRecord, shorten, shown, unknownSetting } from "./invalid-setting.ts";
import {
  ISOLATIONS,
  modeOf,
  PROGRAM_MODES,
  type ProgramSettings,
  RUNTIMES,
  START_DEFAULTS,
  type StartSettings,
} from "./runtime.ts";
import { splitWords } from "./split-words.ts";

/** The settings in a query. `stdio=1` is `mode=call`, and `stdio=0` is `mode=serve`. */
export const START_QUERY = {
  runtime: "runtime",
  command: "command",
  mode: "mode",
  stdio: "stdio",
  cgi: "cgi",
  handler: "handler",
  isolation: "isolation",
  pool: "pool",
  runtimeClass: "runtime-class",
  pullSecret: "pull-secret",
} as const;

export const PROGRAM_MEMBERS = [
  "command",
  "mode",
  "cgi",
  "handler",
] as const satisfies readonly (keyof ProgramSettings)[];
export const POOL = { least: 0, most: 1_000 };
export const COMMAND = { words: 100, bytes: 16 * 1024 };
/** `file.function`, such as `src/hello.handler`. */
export const HANDLER = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*\.[A-Za-z_$][\w$]*$/;
export const RUNTIME_CLASS = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/;
const MOST_BYTES = 253;

type QueryName = keyof typeof START_QUERY;
const NAMES = Object.keys(START_QUERY) as QueryName[];

/** Returns the name of a setting by its name in a query. */
export function startName(query: string): QueryName | undefined {
  return NAMES.find((name) => START_QUERY[name] === query);
}

/** Returns the name in a query of a setting or a member of `program`; undefined for another setting. */
export function queryName(name: string): string | undefined {
  return NAMES.includes(name as QueryName) ? START_QUERY[name as QueryName] : undefined;
}

/**
 * Reads one setting from a query, as a patch. `default` resets it, and `none` too where it is a name.
 * @throws Problem `invalid_setting`
 */
export function startFromQuery(name: QueryName, values: readonly string[]): Record<string, unknown> {
  const query = START_QUERY[name];
  const [text = ""] = values;
  // Several values of `command` are its words.
  if (name === "command" && values.length > 1) return { program: { command: values } };
  if (values.length > 1) throw invalid(query, `${query} was given ${values.length} times: give it once.`);
  const isReset =
    text === "default" || (text === "none" && (name === "runtimeClass" || name === "pullSecret"));
  switch (name) {
    case "command":
    case "handler":
    case "mode":
      return { program: { [name]: isReset ? null : text } };
    case "cgi":
      return { program: { cgi: isReset ? null : flag(query, text) } };
    case "stdio":
      return { program: { mode: isReset ? null : flag(query, text) ? "call" : "serve" } };
    case "pool":
      if (!isReset && !/^\d{1,9}$/.test(text)) {
        throw invalid(query, `pool=${shorten(text)} cannot be read; write it like pool=2.`);
      }
      return { pool: isReset ? null : Number(text) };
    default:
      return { [name]: isReset ? null : text };
  }
}

/**
 * Reads one setting with its name in a query from a file, where it may be a list, a number, a boolean or null.
 * @throws Problem `invalid_setting`
 */
export function startFromFile(name: QueryName, value: unknown): Record<string, unknown> {
  // A list is exact: its only word is not split.
  if (name === "command") return { program: { command: value } };
  const isText = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  if (value === null || isText) return startFromQuery(name, [value === null ? "default" : String(value)]);
  const query = START_QUERY[name];
  throw invalid(query, `${query} must be a text, a number, true or false, not ${shown(value)}.`);
}

function flag(query: string, text: string): boolean {
  if (text === "1" || text === "true") return true;
  if (text === "0" || text === "false") return false;
  throw invalid(query, `${query}=${shorten(text)} cannot be read; write ${query}=1 or ${query}=0.`);
}

/**
 * Merges `patch` into the settings as in RFC 7396, and checks each value by itself. A change of `runtime` resets what
 * belongs to the one before, and `isolation: instance` resets `pool`, unless the patch sets them.
 * @throws Problem `invalid_setting`
 */
export function mergeStart(current: StartSettings, patch: Readonly<Record<string, unknown>>): StartSettings {
  const given = (name: keyof StartSettings) => patch[name] !== undefined;
  const runtime = given("runtime") ? oneOf("runtime", RUNTIMES, patch.runtime) : current.runtime;
  const isolation = given("isolation") ? oneOf("isolation", ISOLATIONS, patch.isolation) : current.isolation;
  const isOther = runtime !== current.runtime;
  const program = isOther ? {} : current.program;
  const pool = isolation === "call" ? current.pool : START_DEFAULTS.pool;
  return {
    runtime,
    program: given("program") ? mergeProgram(program, patch.program) : program,
    isolation,
    pool: given("pool") ? checkPool(patch.pool) : pool,
    runtimeClass: given("runtimeClass") ? checkRuntimeClass(patch.runtimeClass) : current.runtimeClass,
    pullSecret: given("pullSecret") ? checkPullSecret(patch.pullSecret) : isOther ? "" : current.pullSecret,
  };
}

function oneOf<T extends string>(name: "runtime" | "isolation", choices: readonly T[], value: unknown): T {
  const chosen = value === null ? START_DEFAULTS[name] : value;
  const choice = choices.find((each) => each === chosen);
  if (choice !== undefined) return choice;
  throw invalid(name, `${name} must be ${choices.join(" or ")}, not ${shown(value)}.`);
}

function mergeProgram(current: ProgramSettings, patch: unknown): ProgramSettings {
  if (patch === null) return {};
  if (!isRecord(patch)) {
    throw invalid("program", `program must be an object with ${PROGRAM_MEMBERS.join(", ")}.`);
  }
  const next: Record<string, unknown> = { ...current };
  for (const [key, value] of Object.entries(patch)) {
    const member = PROGRAM_MEMBERS.find((each) => each === key);
    if (member === undefined) {
      const known = PROGRAM_MEMBERS.map((each) => `program.${each}`);
      throw unknownSetting(`program.${key}`, known);
    }
    if (value === null) delete next[member];
    else next[member] = CHECKS[member](value);
  }
  return Object.fromEntries(
    PROGRAM_MEMBERS.flatMap((key) => (next[key] === undefined ? [] : [[key, next[key]]])),
  );
}

const CHECKS: Readonly<Record<keyof ProgramSettings, (value: unknown) => unknown>> = {
  command: checkCommand,
  mode(value) {
    if (PROGRAM_MODES.some((each) => each === value)) return value;
    throw invalid("mode", `program.mode must be ${PROGRAM_MODES.join(" or ")}, not ${shown(value)}.`);
  },
  cgi(value) {
    // `false` is the default, so that equal settings are stored alike.
    if (typeof value === "boolean") return value || undefined;
    throw invalid("cgi", `program.cgi must be true, false or null, not ${shown(value)}.`);
  },
  handler(value) {
    if (typeof value === "string" && value.length <= MOST_BYTES && HANDLER.test(value)) return value;
    const use = "use file.function, such as hello.handler";
    throw invalid("handler", `program.handler: ${shown(value)} is not a handler; ${use}.`);
  },
};

function checkCommand(value: unknown): readonly string[] {
  const words = typeof value === "string" ? wordsOf(value) : value;
  const refuse = (why: string) =>
    invalid("command", `program.command ${why}; write it like python3 app.py, or as a list of its words.`);
  if (!Array.isArray(words) || words.some((word) => typeof word !== "string")) {
    throw refuse(`must be a text or a list of texts, not ${shown(value)}`);
  }
  const command = words as string[];
  if (command.length > COMMAND.words) throw refuse(`has over ${COMMAND.words} words`);
  if (Buffer.byteLength(command.join(" ")) > COMMAND.bytes) throw refuse(`has over ${COMMAND.bytes} bytes`);
  if (command.some((word) => word.includes("\0"))) throw refuse("has a NUL character");
  if (!command[0]) throw refuse("names no program");
  return command;
}

function wordsOf(text: string): readonly string[] {
  try {
    return splitWords(text);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw invalid("command", `program.command: ${error.detail}`);
  }
}

function checkPool(value: unknown): number {
  if (value === null) return START_DEFAULTS.pool;
  const { least, most } = POOL;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalid("pool", `pool must be a whole number from ${least} to ${most}, not ${shown(value)}.`);
}

function checkRuntimeClass(value: unknown): string {
  if (value === null || value === "") return "";
  if (typeof value === "string" && value.length <= MOST_BYTES && RUNTIME_CLASS.test(value)) return value;
  const use = "use the name of a RuntimeClass of the cluster, such as gvisor";
  throw invalid("runtimeClass", `runtimeClass: ${shown(value)} is not a valid name; ${use}.`);
}

function checkPullSecret(value: unknown): string {
  if (value === null || value === "") return "";
  if (typeof value === "string" && isSecretName(value)) return value;
  const use = "use the name of a secret whose value is user:password";
  throw invalid("pullSecret", `pullSecret: ${shown(value)} is not the name of a secret; ${use}.`);
}

/** @throws Problem `invalid_setting` if values contradict each other */
export function checkStart(settings: StartSettings & { readonly max: number }): void {
  const { runtime, program, isolation, pool, pullSecret, max } = settings;
  const [member] = PROGRAM_MEMBERS.filter((each) => program[each] !== undefined);
  if (runtime === "deno" && member !== undefined) {
    throw invalid(member, `${member} needs runtime=program or runtime=image, and the runtime is deno.`);
  }
  if (program.handler !== undefined) checkHandler(settings);
  if (program.cgi && modeOf(settings) !== "call") {
    throw invalid("cgi", "cgi needs mode=call: a program with mode=serve speaks HTTP itself.");
  }
  if (pullSecret !== "" && runtime !== "image") {
    throw invalid("pullSecret", `pullSecret needs an image, and the runtime is ${runtime}.`);
  }
  if (isolation !== "call" && pool !== START_DEFAULTS.pool) {
    throw invalid("pool", "pool needs isolation=call: other instances take many calls.");
  }
  if (pool > max && isolation === "call") {
    throw invalid("pool", `pool (${pool}) is greater than max (${max}); lower pool or raise max.`);
  }
}

function checkHandler({ runtime, program }: StartSettings): void {
  if (runtime !== "program") {
    throw invalid("handler", `handler needs runtime=program, and the runtime is ${runtime}.`);
  }
  if (program.command !== undefined) {
    throw invalid("handler", "handler and command exclude each other: remove one of them.");
  }
  if (program.mode === "call") {
    throw invalid("handler", "handler needs mode=serve, its default: its program serves many calls.");
  }
}
