import type { Command } from "commander";
import { UsageError } from "../../usage-error.ts";

/** Settings that have an option of their own, named as in the query. `--set` takes every other one. */
const SETTINGS: readonly (readonly [flag: string, description: string])[] = [
  ["min <n>", "instances that always run"],
  ["max <n>", "most instances"],
  ["concurrency <n>", "calls that one instance takes at a time"],
  ["memory <size>", "memory of one instance, such as 256Mi"],
  ["timeout <time>", "time until the response starts, such as 30s"],
  ["idle <time>", "time without a call before it stops"],
  ["entry <path>", "the main module in the source"],
  ["access <who>", "who may call it: public, key or internal"],
  ["runtime <kind>", "what runs it: deno or program"],
  ["mode <mode>", "of a program: call starts it for each call, serve for each instance"],
  ["handler <file.function>", "a handler (event, context) in Node or Python"],
  ["isolation <what>", "call gives each call an instance of its own"],
  ["pool <n>", "unused instances that are kept ready with --isolation call"],
  ["runtime-class <name>", "RuntimeClass of its pods on Kubernetes"],
  ["pull-secret <name>", "secret user:password with which its image is pulled"],
];
/** Settings that an option switches on. */
const SWITCHES: readonly (readonly [name: string, description: string])[] = [
  ["cgi", "the output of the program begins with a status and headers"],
  ["stdio", "short for --mode call"],
];

export type SettingOptions = {
  readonly command?: string[];
  readonly env?: string[];
  readonly secret?: string[];
  readonly set?: string[];
} & Readonly<Record<string, unknown>>;

/** Adds an option for each setting. */
export function addSettingOptions(command: Command): Command {
  command.optionsGroup("Settings:");
  for (const [flag, description] of SETTINGS) command.option(`--${flag}`, description);
  for (const [name, description] of SWITCHES) command.option(`--${name}`, description);
  return command
    .option("--command <command>", "program and arguments; once, or once for each word", collect)
    .option("-e, --env <name=value>", "a variable; `NAME` alone takes its value from here", collect)
    .option("--secret <name>", "a secret that it gets as a variable", collect)
    .option("--set <name=value>", "any other setting of the query, such as net=none", collect)
    .optionsGroup("Options:");
}

/** Returns the settings as fields of the query or a form. @throws UsageError */
export function settingFields(
  options: SettingOptions,
  env: Readonly<Record<string, string | undefined>>,
): [name: string, value: string][] {
  const own = SETTINGS.map(([flag]) => flag.split(" ")[0]!);
  return [
    ...own.flatMap((name) => {
      const value = options[keyOf(name)];
      return value === undefined ? [] : [[name, String(value)] as [string, string]];
    }),
    ...SWITCHES.flatMap(([name]) => (options[name] === true ? [[name, "1"] as [string, string]] : [])),
    ...(options.command ?? []).map((text) => ["command", text] as [string, string]),
    ...(options.env ?? []).map((text) => ["env", variable(text, env)] as [string, string]),
    ...(options.secret ?? []).map((name) => ["secrets", name] as [string, string]),
    ...(options.set ?? []).map(assigned),
  ];
}

/** Returns `NAME=VALUE`. A name alone takes its value from the environment of the command. @throws UsageError */
export function variable(text: string, env: Readonly<Record<string, string | undefined>>): string {
  if (text.includes("=")) return text;
  const value = env[text];
  if (value === undefined)
    throw new UsageError(`${text} has no value here: use ${text}=VALUE, or set it first.`);
  return `${text}=${value}`;
}

/** The member of an option: `runtimeClass` for `runtime-class`. */
function keyOf(name: string): string {
  return name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function assigned(text: string): [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--set ${text} is not a setting: use NAME=VALUE, such as --set net=none.`);
}

/** Collects the values of an option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}
