import type { Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import {
  checkTogether,
  mergeSettings,
  type Settings,
  type SettingsPatch,
} from "../../../platform/settings/settings.ts";
import { queryName } from "../../../platform/settings/start.ts";
import type { ManifestFile } from "../../../runtimes/runtime.ts";
import { type Declared, patchOf } from "../../deploys/skiff-yaml.ts";
import type { DeclaredSetting } from "./declared.ts";
import { below, type Mistakes } from "./mistakes.ts";

/** Stands for a value of `env` that an export leaves out: the value of the current version stays. */
export const KEPT_VALUE = "***";

export interface SettingsPlace {
  readonly manifest: ManifestFile;
  readonly mistakes: Mistakes;
  readonly limits: Limits;
  /** Path of the manifest in the folder; by default its name. */
  readonly path?: string;
}

/**
 * Merges declared settings into others. Every setting that is wrong is a mistake at its place, and stays as it was.
 */
export function mergeDeclaredSettings(
  base: Settings,
  declared: readonly DeclaredSetting[],
  place: SettingsPlace,
): { readonly settings: Settings; readonly patch: SettingsPatch } {
  const right = declared.filter((setting) => isRight(base, setting, place));
  const unchanged = { settings: base, patch: {} };
  try {
    const patch = patchOf(Object.fromEntries(right.map(({ key, value }) => [key, value])));
    return { settings: mergeSettings(base, patch, place.limits), patch };
  } catch (error) {
    // Two names of one setting.
    const { setting } = invalidSetting(error).extensions;
    const pointer = right.find(({ key }) => key === setting)?.pointer ?? right[0]?.pointer ?? "";
    place.mistakes.add(place.manifest, pointer, invalidSetting(error).detail, place.path);
    return unchanged;
  }
}

/** Adds a mistake for values that contradict each other. */
export function checkContradictions(
  settings: Settings,
  declared: readonly DeclaredSetting[],
  {
    manifest,
    mistakes,
    pointer,
  }: Pick<SettingsPlace, "manifest" | "mistakes"> & { readonly pointer: string },
): void {
  try {
    checkTogether(settings);
  } catch (error) {
    const { detail, extensions } = invalidSetting(error);
    const { setting } = extensions;
    const query = setting === undefined ? undefined : queryName(setting);
    const at =
      declared.find(({ key }) => key === setting || key === query) ??
      (setting === "min" ? declared.find(({ key }) => key === "max") : undefined);
    mistakes.add(manifest, at?.pointer ?? pointer, detail);
  }
}

/** Takes the variables out whose value an export left out. */
export function splitKept(declared: readonly DeclaredSetting[]): {
  readonly settings: readonly DeclaredSetting[];
  readonly kept: readonly { readonly variable: string; readonly pointer: string }[];
} {
  const kept: { variable: string; pointer: string }[] = [];
  const settings = declared.map((setting) => {
    const { key, value, pointer } = setting;
    if (key !== "env" || !isRecord(value)) return setting;
    const stay = Object.entries(value).filter(([variable, text]) => {
      if (text === KEPT_VALUE) kept.push({ variable, pointer: below(pointer, variable) });
      return text !== KEPT_VALUE;
    });
    return { ...setting, value: Object.fromEntries(stay) };
  });
  return { settings, kept };
}

function isRight(base: Settings, setting: DeclaredSetting, place: SettingsPlace): boolean {
  const { key, value, pointer } = setting;
  const error = faultOf(base, { [key]: value }, place.limits);
  if (error === undefined) return true;
  const { manifest, mistakes, path } = place;
  const members = isRecord(value) ? Object.entries(value) : [];
  const wrong = members.flatMap(([name, inner]) => {
    const fault = faultOf(base, { [key]: { [name]: inner } }, place.limits);
    return fault === undefined ? [] : [{ name, fault }];
  });
  for (const { name, fault } of wrong) mistakes.add(manifest, below(pointer, name), fault.detail, path);
  if (wrong.length === 0) mistakes.add(manifest, pointer, error.detail, path);
  return false;
}

function faultOf(base: Settings, declared: Declared, limits: Limits): Problem | undefined {
  try {
    mergeSettings(base, patchOf(declared), limits);
    return undefined;
  } catch (error) {
    return invalidSetting(error);
  }
}

/** @throws the error if it is another one */
function invalidSetting(error: unknown): Problem {
  if (error instanceof Problem && error.code === "invalid_setting") return error;
  throw error;
}
