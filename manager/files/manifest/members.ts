import { parseImage } from "../../../platform/images/image-reference.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { closestWord } from "../../../process/closest-word.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";
import { type DeclaredSetting, type DeclaredVersion, SETTING_NAMES } from "./declared.ts";
import { FORMER_FUNCTION, fromFormer } from "./kubefuncs.ts";
import { below, type Mistakes } from "./mistakes.ts";

const MOST_WEIGHT = 1_000_000;
const MESSAGE_CHARACTERS = 1_000;

/** The manifest that is being read, and what is found in it. */
export interface Reading {
  readonly manifest: ManifestFile;
  readonly mistakes: Mistakes;
  readonly warnings: string[];
  /** Whether it has the shape of Kubefuncs, which had further members. */
  readonly isFormer: boolean;
}

interface Members {
  readonly entry: Readonly<Record<string, unknown>>;
  readonly pointer: string;
  /** Names what has the members, in warnings. */
  readonly label: string;
  /** Members that are possible besides settings. */
  readonly also: readonly string[];
}

/** Sorts the members of a version into its source, its message, its weight and its settings. */
export function readMembers(reading: Reading, { entry, pointer, label, also }: Members): DeclaredVersion {
  const { manifest, mistakes, warnings, isFormer } = reading;
  const { source, message, weight, image: named, ...others } = entry;
  // Kubefuncs had an `image` and a `command` too, and no runtimes.
  const isImage = !(isFormer && !("runtime" in others));
  const image = isImage ? named : undefined;
  const settings = isImage || named === undefined ? others : { ...others, image: named };
  const given = { source, image, message, weight };
  for (const key of Object.keys(given) as (keyof typeof given)[]) {
    if (given[key] === undefined || also.includes(key)) continue;
    mistakes.add(manifest, below(pointer, key), unknown("setting", key, [...also, ...SETTING_NAMES]));
  }
  const sourcePointer = Object.hasOwn(entry, "source") ? below(pointer, "source") : pointer;
  if (source !== undefined && (typeof source !== "string" || source === "")) {
    mistakes.add(
      manifest,
      sourcePointer,
      `source must be the path of a file or folder, not ${shown(source)}.`,
    );
  }
  const isFormerMember = (key: string) =>
    isFormer && FORMER_FUNCTION.includes(key) && !(SETTING_NAMES.includes(key) && "runtime" in settings);
  const listed = listSettings(settings, pointer).flatMap((setting) => {
    if (!isFormerMember(setting.key) && SETTING_NAMES.includes(setting.key)) return [withEnvObject(setting)];
    if (isFormerMember(setting.key)) {
      return fromFormer(setting, { label, warn: (text) => warnings.push(`${manifest.file}: ${text}`) });
    }
    const known = [...also, ...SETTING_NAMES];
    const hint = FORMER_FUNCTION.includes(setting.key) ? " It belongs to the list of Kubefuncs." : "";
    mistakes.add(manifest, setting.pointer, unknown("setting", setting.key, known) + hint);
    return [];
  });
  return {
    ...{
      pointer,
      sourcePointer,
      weight: also.includes("weight") ? checkedWeight(reading, weight, pointer) : 1,
    },
    ...(typeof source === "string" ? { source } : {}),
    ...checkedImage(reading, { image, source }, pointer),
    ...checkedMessage(reading, message, below(pointer, "message")),
    settings: listed,
  };
}

/** An image takes the place of a source, and of its runtime. */
export function checkedImage(
  { manifest, mistakes }: Pick<Reading, "manifest" | "mistakes">,
  { image, source }: { readonly image: unknown; readonly source?: unknown },
  pointer: string,
): { image?: string } {
  if (image === undefined || image === null) return {};
  if (source !== undefined) {
    mistakes.add(
      manifest,
      below(pointer, "source"),
      "source and image exclude each other: keep one of them.",
    );
  }
  if (typeof image === "string" && parseImage(image)) return { image };
  const detail = `image must be the name of an image, such as docker.io/library/nginx:1.27, not ${shown(image)}.`;
  mistakes.add(manifest, below(pointer, "image"), detail);
  // No source is searched instead.
  return { image: "" };
}

function checkedWeight({ manifest, mistakes }: Reading, weight: unknown, pointer: string): number {
  if (typeof weight === "number" && Number.isInteger(weight) && weight >= 0 && weight <= MOST_WEIGHT)
    return weight;
  const what = weight === undefined ? "The version has no weight" : `The weight is ${shown(weight)}`;
  const at = weight === undefined ? pointer : below(pointer, "weight");
  mistakes.add(manifest, at, `${what}: use a whole number from 0 to ${MOST_WEIGHT}, such as 90 beside 10.`);
  return 0;
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
