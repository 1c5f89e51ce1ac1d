import { isFunctionName } from "../../../platform/function-name.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";
import {
  type DeclaredFunction,
  type DeclaredSetting,
  type Manifest,
  OBJECT_MEMBERS,
  SETTING_NAMES,
} from "./declared.ts";
import { FORMER_TOP } from "./kubefuncs.ts";
import {
  checkedImage,
  checkedMessage,
  listSettings,
  type Reading,
  readMembers,
  shown,
  unknown,
} from "./members.ts";
import { below, type Mistakes } from "./mistakes.ts";
import { readObjects } from "./objects.ts";
import { readFunction } from "./split.ts";

const MOST_FUNCTIONS = 1_000;

/**
 * Reads what a manifest declares: one function, or maps of functions, topics, flows, subscriptions and schedules, or the
 * list of Kubefuncs. Adds what is wrong to `mistakes`; settings and specs are not checked yet.
 * @param name the name of a function that the manifest does not name
 */
export function readManifest(manifest: ManifestFile, mistakes: Mistakes, name?: string): Manifest {
  const { value } = manifest;
  const isBare = isBareList(manifest);
  const isFormer = isBare || Array.isArray(value.functions);
  const reading: Reading = { manifest, mistakes, warnings: [], isFormer };
  const hasFunctions = isBare || Object.hasOwn(value, "functions");
  if (isSingle(manifest)) return readSingle(reading, name);
  if (name !== undefined) {
    mistakes.add(
      manifest,
      hasFunctions ? "/functions" : "",
      `The file names its functions: leave out name=${name.slice(0, 80)}.`,
    );
  }
  const { defaults, functions = null, topics, flows, subscriptions, schedules, ...rest } = value;
  const declared = isBare ? value : functions;
  if (!isBare) checkTop(reading, Object.keys(rest));
  const read = readFunctions(reading, { declared, pointer: isBare ? "" : "/functions" });
  const objects = isBare ? {} : { topics, flows, subscriptions, schedules };
  return {
    isOneFunction: false,
    hasFunctions,
    functions: read,
    objects: readObjects(reading, objects, read),
    defaults: defaults === undefined ? [] : readDefaults(reading, defaults),
    warnings: reading.warnings,
  };
}

/** Whether the whole folder of a manifest is the source of one function. */
export function isSingle(manifest: ManifestFile): boolean {
  const members = ["functions", ...OBJECT_MEMBERS];
  return !isBareList(manifest) && !members.some((member) => Object.hasOwn(manifest.value, member));
}

/** Kubefuncs listed its functions at the top. */
function isBareList({ file, value }: ManifestFile): boolean {
  return file === "functions.yaml" && !Object.hasOwn(value, "functions");
}

function readSingle({ manifest, mistakes, warnings }: Reading, given: string | undefined): Manifest {
  const { name = given, message, image, ...settings } = manifest.value;
  const pointer = Object.hasOwn(manifest.value, "name") ? "/name" : "";
  if (given !== undefined && name !== given) {
    mistakes.add(manifest, pointer, `The file names the function ${shown(name)}, the query ${shown(given)}.`);
  }
  if (name === undefined) {
    const detail = `The function has no name: add "name: NAME" here or name=NAME to the query, or declare several under "functions:".`;
    mistakes.add(manifest, pointer, detail);
  } else if (!isName(name)) mistakes.add(manifest, pointer, wrongName(name));
  const version = {
    ...{ pointer: "", sourcePointer: "", weight: 1 },
    ...checkedMessage({ manifest, mistakes }, message, "/message"),
    ...checkedImage({ manifest, mistakes }, { image }, ""),
    settings: listSettings(settings, ""),
  };
  const only = { name: String(name), pointer: "", versions: [version], isSplit: false, rules: {} };
  return {
    ...{ isOneFunction: true, hasFunctions: false, functions: [only] },
    ...{ objects: [], defaults: [], warnings },
  };
}

function checkTop({ manifest, mistakes, warnings, isFormer }: Reading, keys: readonly string[]): void {
  for (const key of keys) {
    const pointer = below("", key);
    if (isFormer && FORMER_TOP.includes(key)) {
      warnings.push(
        `${manifest.file}: ${key} is ignored: Skiff runs the source of a function, not an image.`,
      );
    } else if (SETTING_NAMES.includes(key)) {
      const use = `write it under "defaults:" for all functions, or under one of them.`;
      mistakes.add(manifest, pointer, `"${key}" is a setting of one function: ${use}`);
    } else
      mistakes.add(manifest, pointer, unknown("member", key, ["functions", "defaults", ...OBJECT_MEMBERS]));
  }
}

function readDefaults(reading: Reading, defaults: unknown): readonly DeclaredSetting[] {
  const { manifest, mistakes } = reading;
  if (!isRecord(defaults)) {
    mistakes.add(manifest, "/defaults", `defaults must be an object of settings, not ${shown(defaults)}.`);
    return [];
  }
  const members = { entry: defaults, pointer: "/defaults", label: "defaults", also: [] };
  return readMembers(reading, members).settings;
}

function readFunctions(
  reading: Reading,
  { declared, pointer }: { declared: unknown; pointer: string },
): DeclaredFunction[] {
  const { manifest, mistakes } = reading;
  const entries = entriesOf(reading, declared, pointer);
  if (entries.length > MOST_FUNCTIONS) {
    mistakes.add(
      manifest,
      pointer,
      `The file declares ${entries.length} functions, at most ${MOST_FUNCTIONS}.`,
    );
    return [];
  }
  const names = new Set<string>();
  return entries.flatMap(({ name, namePointer, entry, pointer: at }) => {
    if (!isName(name)) {
      mistakes.add(manifest, namePointer, wrongName(name));
      return [];
    }
    if (names.has(name)) {
      mistakes.add(manifest, namePointer, `The function "${name}" is declared twice: keep one of them.`);
      return [];
    }
    names.add(name);
    // A text alone is the source; nothing takes everything by default.
    const members = typeof entry === "string" ? { source: entry } : (entry ?? {});
    if (!isRecord(members)) {
      mistakes.add(manifest, at, `"${name}" must be an object of settings, not ${shown(entry)}.`);
      return [];
    }
    return [readFunction(reading, { name, entry: members, pointer: at })];
  });
}

interface Entry {
  readonly name: unknown;
  readonly namePointer: string;
  readonly entry: unknown;
  readonly pointer: string;
}

function entriesOf({ manifest, mistakes }: Reading, declared: unknown, pointer: string): Entry[] {
  if (Array.isArray(declared)) {
    return declared.map((entry: unknown, index) => {
      const at = below(pointer, index);
      if (!isRecord(entry)) return { name: entry, namePointer: at, entry, pointer: at };
      const { name, ...rest } = entry;
      return { name, namePointer: below(at, "name"), entry: rest, pointer: at };
    });
  }
  if (isRecord(declared)) {
    return Object.entries(declared).map(([name, entry]) => {
      const at = below(pointer, name);
      return { name, namePointer: at, entry, pointer: at };
    });
  }
  if (declared !== null) {
    mistakes.add(manifest, pointer, `functions must be an object of functions, not ${shown(declared)}.`);
  }
  return [];
}

function isName(name: unknown): name is string {
  return typeof name === "string" && isFunctionName(name);
}

function wrongName(name: unknown): string {
  if (name === undefined) return `The function has no name: add "name: NAME".`;
  return `${shown(name)} is not a valid name of a function: use 1 to 52 characters of a-z, 0-9 and "-", starting with a letter and not ending with "-".`;
}
