import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { closestWord } from "../../../process/closest-word.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";
import { type DeclaredFunction, type DeclaredSetting, FUNCTION_MEMBERS, SETTING_NAMES } from "./declared.ts";
import { FORMER_FUNCTION, fromFormer } from "./kubefuncs.ts";
import { below, type Mistakes } from "./mistakes.ts";

const MESSAGE_CHARACTERS = 1_000;

/** The manifest that is being read, and what is found in it. */
export interface Reading {
  readonly manifest: ManifestFile;
  readonly mistakes: Mistakes;
  readonly warnings: string[];
  /** Whether it has the shape of Kubefuncs, which had further members. */
  readonly isFormer: boolean;
}

/** Sorts the members of a function into its source, its message and its settings. */
export function readMembers(
  { manifest, mistakes, warnings, isFormer }: Reading,
  { entry, pointer, label }: { entry: Readonly<Record<string, unknown>>; pointer: string; label: string },
): Pick<DeclaredFunction, "source" | "sourcePointer" | "message" | "settings"> {
  const { source, message, ...settings } = entry;
  const sourcePointer = Object.hasOwn(entry, "source") ? below(pointer, "source") : pointer;
  const isDefaults = pointer === "/defaults";
  if (source !== undefined && (typeof source !== "string" || source === "" || isDefaults)) {
    const use = isDefaults ? "belongs to one function" : "must be the path of a file or folder";
    mistakes.add(manifest, sourcePointer, `source ${use}: ${shown(source)}.`);
  }
  if (message !== undefined && isDefaults) {
    mistakes.add(manifest, below(pointer, "message"), "message belongs to one function.");
  }
  const listed = listSettings(settings, pointer).flatMap((setting) => {
    if (SETTING_NAMES.includes(setting.key)) return [withEnvObject(setting)];
    if (isFormer && FORMER_FUNCTION.includes(setting.key)) {
      return fromFormer(setting, { label, warn: (text) => warnings.push(`${manifest.file}: ${text}`) });
    }
    const known = [...FUNCTION_MEMBERS, ...SETTING_NAMES];
    const hint = FORMER_FUNCTION.includes(setting.key) ? " It belongs to the list of Kubefuncs." : "";
    mistakes.add(manifest, setting.pointer, unknown("setting", setting.key, known) + hint);
    return [];
  });
  return {
    ...(typeof source === "string" ? { source } : {}),
    sourcePointer,
    ...checkedMessage({ manifest, mistakes }, message, below(pointer, "message")),
    settings: listed,
  };
}

/** Kubernetes writes variables as a list of names and values. */
function withEnvObject(setting: DeclaredSetting): DeclaredSetting {
  const { key, value } = setting;
  if (key !== "env" || !Array.isArray(value)) return setting;
  const isPair = (each: unknown): each is { name: string; value?: unknown } =>
    isRecord(each) &&
    typeof each.name === "string" &&
    Object.keys(each).every((name) => /^(name|value)$/.test(name));
  if (!value.every(isPair)) return setting;
  return { ...setting, value: Object.fromEntries(value.map((each) => [each.name, each.value ?? ""])) };
}

export function listSettings(
  settings: Readonly<Record<string, unknown>>,
  pointer: string,
): DeclaredSetting[] {
  return Object.entries(settings).map(([key, value]) => ({ key, value, pointer: below(pointer, key) }));
}

export function checkedMessage(
  { manifest, mistakes }: Pick<Reading, "manifest" | "mistakes">,
  message: unknown,
  pointer: string,
): { message?: string } {
  if (message === undefined || message === null) return {};
  if (typeof message === "string" && message.length <= MESSAGE_CHARACTERS) return { message };
  mistakes.add(manifest, pointer, `message must be a text of at most ${MESSAGE_CHARACTERS} characters.`);
  return {};
}

/** `Unknown setting "memry". Did you mean "memory"? Settings: …` */
export function unknown(what: string, key: string, known: readonly string[]): string {
  const meant = closestWord(key, known);
  const hint = meant === undefined ? "" : ` Did you mean "${meant}"?`;
  return `Unknown ${what} "${key.slice(0, 80)}".${hint} Known: ${known.join(", ")}.`;
}

export function shown(value: unknown): string {
  return String(JSON.stringify(value)).slice(0, 80);
}
