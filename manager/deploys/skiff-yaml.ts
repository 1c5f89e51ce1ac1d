import { LRUCache } from "lru-cache";
import type { Limits } from "../../platform/limits.ts";
import type { Source, SourceType } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { isRecord, unknownSetting } from "../../platform/settings/invalid-setting.ts";
import { QUOTA_QUERY } from "../../platform/settings/quota.ts";
import { RETRY_MEMBERS, RETRY_QUERY } from "../../platform/settings/retry.ts";
import {
  JSON_NAMES,
  mergeSettings,
  NUMBER_SETTINGS,
  QUERY_NAMES,
  type Settings,
  type SettingsPatch,
  settingsFromQuery,
} from "../../platform/settings/settings.ts";
import { startFromFile, startName } from "../../platform/settings/start.ts";

/** The contents of a `skiff.yaml`: settings by their names in JSON or in a query, unchecked. */
export type Declared = Readonly<Record<string, unknown>>;

const REMEMBERED = 10_000;
const REMEMBERED_BYTES = 16 * 1024 ** 2;

/**
 * Merges what a `skiff.yaml` declares into settings.
 * @throws Problem `invalid_setting` naming `skiff.yaml` and the setting
 */
export function mergeDeclared(current: Settings, declared: Declared, limits: Limits): Settings {
  try {
    return mergeSettings(current, patchOf(declared), limits);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "invalid_setting") throw error;
    throw new Problem("invalid_setting", `skiff.yaml: ${error.detail}`, error.extensions);
  }
}

const TEXT_LISTS = ["hosts", "secrets", "cron"];
/** Members of a `skiff.yaml` with one function that are no settings. */
export const OTHER_MEMBERS: readonly string[] = ["name", "message"];

/**
 * Returns declared settings as a patch.
 * @throws Problem `invalid_setting` for an unknown name, or a value that cannot be read
 */
export function patchOf(declared: Declared): SettingsPatch {
  const json: Record<string, unknown> = {};
  if (Object.hasOwn(declared, "functions")) throw severalFunctions();
  for (const [key, value] of Object.entries(declared)) {
    if (OTHER_MEMBERS.includes(key)) continue;
    if (key === "image") throw namesImage();
    for (const [name, patched] of Object.entries(
      isJson(key, value) ? { [key]: value } : fromText(key, value),
    )) {
      json[name] = merged(key, json[name], patched);
    }
  }
  return json;
}

/** A list that has the same name in a query may be one text there. */
function isJson(key: string, value: unknown): boolean {
  return JSON_NAMES.includes(key) && !(TEXT_LISTS.includes(key) && typeof value === "string");
}

function namesImage(): Problem {
  const detail = "it names an image: post the archive to /apply, which deploys it.";
  return new Problem("invalid_setting", detail, { setting: "image" });
}

function severalFunctions(): Problem {
  const detail = "it declares several functions: post the archive to /apply, which deploys all of them.";
  return new Problem("invalid_setting", detail, { setting: "functions" });
}

/** Joins the parts of `permissions`, `quota`, `retry` and `program`. Every other setting is declared once, under one of its names. */
function merged(key: string, before: unknown, value: unknown): unknown {
  if (before === undefined) return value;
  const isDisjoint =
    isRecord(before) && isRecord(value) && Object.keys(value).every((part) => !Object.hasOwn(before, part));
  if (isDisjoint) return { ...before, ...value };
  const detail = `${key} is declared under two names: keep one of them.`;
  throw new Problem("invalid_setting", detail, { setting: key });
}

/** Reads a setting with its name in a query, such as `memory: 256Mi` or `net: [public]`. */
function fromText(key: string, value: unknown): SettingsPatch {
  if (!QUERY_NAMES.includes(key)) throw unknownSetting(key, [...new Set([...QUERY_NAMES, ...JSON_NAMES])]);
  const row = Object.entries(NUMBER_SETTINGS).find(([, { query }]) => query === key);
  const member = Object.entries(QUOTA_QUERY).find(([, query]) => query === key)?.[0];
  if (value === null && member !== undefined) return { quota: { [member]: null } };
  const retried = RETRY_MEMBERS.find((each) => RETRY_QUERY[each] === key);
  if (retried !== undefined && (value === null || isEmptyList(value))) return { retry: { [retried]: value } };
  const start = startName(key);
  if (start !== undefined) return startFromFile(start, value);
  if (value === null) return row ? { [row[0]]: null } : { permissions: { [key]: null } };
  if (isEmptyList(value) && !row) return { permissions: { [key]: [] } };
  const texts = (Array.isArray(value) ? value : [value]).map((each) => {
    if (typeof each === "string" || typeof each === "number") return [key, String(each)];
    throw new Problem("invalid_setting", `${key} must be a text, a number or a list of texts.`, {
      setting: key,
    });
  });
  return settingsFromQuery(new URLSearchParams(texts));
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/** Files with the settings of one function, at the root of its source. */
export const SETTINGS_FILES: readonly string[] = ["skiff.yaml", "skiff.yml"];
/** Files that declare functions or settings, at the root of a folder. */
export const MANIFESTS: readonly string[] = [...SETTINGS_FILES, "functions.yaml"];

/** Sources that may have a `skiff.yaml`. */
export const ARCHIVES: readonly SourceType[] = ["application/x-tar", "application/gzip", "application/zip"];

/**
 * Remembers what the `skiff.yaml` of recent sources declares, so that an equal source needs no build to be recognised as
 * unchanged. It depends on the source alone, so nothing expires.
 */
export class DeclaredBySource {
  readonly #known = new LRUCache<string, Declared>({
    max: REMEMBERED,
    maxSize: REMEMBERED_BYTES,
    sizeCalculation: (declared) => 1 + Buffer.byteLength(JSON.stringify(declared)),
  });

  /** Returns undefined if only a build can find out. One file has no `skiff.yaml` beside it. */
  find({ type }: Source, hash: string): Declared | undefined {
    return ARCHIVES.includes(type) ? this.#known.get(hash) : {};
  }

  remember(hash: string, declared: Declared): void {
    this.#known.set(hash, declared);
  }
}
