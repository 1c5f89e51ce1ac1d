import type { Document } from "yaml";
import type { Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { QUOTA_QUERY } from "../../../platform/settings/quota.ts";
import { RETRY_QUERY } from "../../../platform/settings/retry.ts";
import { canonicalSettings, NUMBER_SETTINGS, type Settings } from "../../../platform/settings/settings.ts";
import { PROGRAM_MEMBERS, START_QUERY } from "../../../platform/settings/start.ts";
import { type Declared, mergeDeclared, OTHER_MEMBERS } from "../../deploys/skiff-yaml.ts";
import { KEPT_VALUE } from "../../files/manifest/check-settings.ts";
import { SETTING_NAMES } from "../../files/manifest/declared.ts";
import { formOf } from "../../files/settings-form.ts";

export interface SettingsEdit {
  readonly name: string;
  readonly settings: Settings;
  /** What the settings start from. */
  readonly base: Settings;
  readonly limits: Limits;
  /** Name of the image that takes the place of a source. */
  readonly image?: string | undefined;
  /** Source of a function of a group, where it is not found by its name. */
  readonly source?: string | undefined;
  /** Edits the entry of the function below `functions:`, not the settings of one function. */
  readonly isGroup?: boolean;
}

type Path = readonly (string | number)[];

/** Larger texts are written anew. */
const MOST_CHARACTERS = 1024 ** 2;
/** Other names of settings, by their name in a query. */
const OTHER_NAMES: ReadonlyMap<string, Path> = new Map<string, Path>([
  ...Object.entries(NUMBER_SETTINGS).flatMap(([name, { query }]) =>
    name === query ? [] : [[query, [name]] as const],
  ),
  ...["net", "sys"].map((name) => [name, ["permissions", name]] as const),
  ...Object.entries(QUOTA_QUERY).map(([name, query]) => [query, ["quota", name]] as const),
  ...Object.entries(RETRY_QUERY).map(([name, query]) => [query, ["retry", name]] as const),
  ...PROGRAM_MEMBERS.map((name) => [START_QUERY[name], ["program", name]] as const),
]);

/**
 * Edits the text of a `skiff.yaml` so that an apply leads to the settings. Comments and the order stay. Values of `env`
 * are never written: a variable with another value than the text says leaves the text, and keeps its value.
 * @returns undefined if there is nothing to say
 */
export async function editSettings(
  text: string | undefined,
  edit: SettingsEdit,
): Promise<string | undefined> {
  const { parseDocument } = await import("yaml");
  const parsed = parseDocument(text === undefined || text.length > MOST_CHARACTERS ? "" : text);
  const isMap = parsed.errors.length === 0 && (parsed.contents === null || isRecord(parsed.toJS()));
  const doc: Document = isMap ? parsed : parseDocument("");
  const at = edit.isGroup ? entryPath(doc, edit.name) : [];
  const before = JSON.stringify(doc.toJS());
  if (edit.isGroup) editEntry(doc, at, edit);
  else if (![undefined, edit.name].includes(declaredAt(doc, at).name as string)) doc.delete("name");
  editImage(doc, at, edit);
  editVariables(doc, at, edit);
  if (!leadsTo(doc, at, edit)) {
    editMembers(doc, at, edit);
    if (!leadsTo(doc, at, edit)) writeMembers(doc, at, edit);
  }
  const after = doc.toJS() as unknown;
  if (JSON.stringify(after) === before && doc === parsed) return text;
  const isEmpty = !isRecord(after) || Object.keys(after).length === 0;
  if (isEmpty) return undefined;
  return doc.toString({ lineWidth: 0, flowCollectionPadding: /[[{] /.test(text ?? "") });
}

function entryPath(doc: Document, name: string): Path {
  const { functions } = declaredAt(doc, []);
  if (!Array.isArray(functions)) return ["functions", name];
  const index = functions.findIndex((each: unknown) => isRecord(each) && each.name === name);
  return ["functions", index < 0 ? functions.length : index];
}

/** One version takes the place of several with weights. */
function editEntry(doc: Document, at: Path, { name, source }: SettingsEdit): void {
  const declared = declaredAt(doc, at);
  if (Object.hasOwn(declared, "versions"))
    for (const key of ["versions", "sticky", "guard"]) remove(doc, [...at, key]);
  if (source !== undefined) put(doc, at, { key: "source", value: source });
  if (typeof at.at(-1) === "number" && declared.name === undefined)
    put(doc, at, { key: "name", value: name });
}

function editImage(doc: Document, at: Path, { image }: SettingsEdit): void {
  if (image === undefined) remove(doc, [...at, "image"]);
  else {
    put(doc, at, { key: "image", value: image });
    remove(doc, [...at, "source"]);
  }
}

function editVariables(doc: Document, at: Path, { settings, base, isGroup }: SettingsEdit): void {
  const { env } = declaredAt(doc, at);
  const named = isRecord(env) ? env : {};
  for (const [name, value] of Object.entries(named)) {
    const kept = settings.env[name];
    if (value === KEPT_VALUE && isGroup ? kept !== undefined : kept === value) continue;
    if (value !== null || kept !== undefined) remove(doc, [...at, "env", name]);
  }
  if (!isGroup) return;
  // What all functions share is not right for this one.
  for (const [name, value] of Object.entries(base.env)) {
    const kept = settings.env[name];
    if (kept === value || (Object.hasOwn(named, name) && kept === named[name])) continue;
    makeMap(doc, at);
    put(doc, [...at, "env"], { key: name, value: kept === undefined ? null : KEPT_VALUE });
  }
}

/** Edits the settings that differ. */
function editMembers(doc: Document, at: Path, edit: SettingsEdit): void {
  const { settings, base } = edit;
  const former = resultOf(doc, at, edit);
  const wanted = membersOf(settings, base);
  const differ = Object.keys(membersOf(settings, former ?? base));
  // Another runtime changes what the other members mean.
  const changed = former?.runtime === settings.runtime ? differ : [];
  for (const key of changed) {
    const other = OTHER_NAMES.get(key);
    if (other !== undefined) remove(doc, [...at, ...other]);
    if (Object.hasOwn(wanted, key)) put(doc, at, { key, value: wanted[key] });
    else remove(doc, [...at, key]);
  }
}

/** Writes all settings again, at the places that the text has for them. */
function writeMembers(doc: Document, at: Path, { settings, base }: SettingsEdit): void {
  const wanted = membersOf(settings, base);
  for (const key of SETTING_NAMES) {
    if (key !== "env" && !Object.hasOwn(wanted, key)) remove(doc, [...at, key]);
  }
  for (const [key, value] of Object.entries(wanted)) put(doc, at, { key, value });
}

function leadsTo(doc: Document, at: Path, edit: SettingsEdit): boolean {
  const result = resultOf(doc, at, edit);
  return result !== undefined && comparable(result) === comparable(edit.settings);
}

/** Undefined for settings that an apply rejects. */
function resultOf(doc: Document, at: Path, { base, limits, image }: SettingsEdit): Settings | undefined {
  const { env: _, ...declared } = declaredAt(doc, at);
  const others = ["image", "source", ...OTHER_MEMBERS];
  const members = Object.entries(declared).filter(([key]) => !others.includes(key));
  const isImage = image !== undefined && !Object.hasOwn(declared, "runtime");
  try {
    const all = Object.fromEntries([...(isImage ? [["runtime", "image"]] : []), ...members]) as Declared;
    return mergeDeclared(base, all, limits);
  } catch (error) {
    if (error instanceof Problem && error.code === "invalid_setting") return undefined;
    throw error;
  }
}

function membersOf(settings: Settings, base: Settings): Record<string, unknown> {
  return formOf({ ...settings, env: {} }, { ...base, env: {} }, () => KEPT_VALUE);
}

/** Equal for settings between which a file makes no difference: it says no values of variables, and no versions. */
function comparable(settings: Settings): string {
  const secrets = Object.entries(settings.secrets).map(([name, { secret }]) => [
    name,
    { secret, version: 0 },
  ]);
  return canonicalSettings({ ...settings, env: {}, secrets: Object.fromEntries(secrets) });
}

function declaredAt(doc: Document, at: Path): Readonly<Record<string, unknown>> {
  let value: unknown = doc.toJS();
  for (const key of at)
    value = (value as Readonly<Record<string | number, unknown>> | null | undefined)?.[key];
  return isRecord(value) ? value : {};
}

/** Removes a member, and what holds nothing then. */
function remove(doc: Document, path: Path): void {
  if (!doc.hasIn(path)) return;
  doc.deleteIn(path);
  const parent = path.slice(0, -1);
  const isContainer = ["env", "permissions", "quota", "retry", "program"].includes(String(parent.at(-1)));
  if (isContainer && Object.keys(declaredAt(doc, parent)).length === 0) doc.deleteIn(parent);
}

interface Member {
  readonly key: string;
  readonly value: unknown;
}

/** Sets a member. Lists and objects get the style of the text. */
function put(doc: Document, at: Path, { key, value }: Member): void {
  makeMap(doc, at);
  doc.setIn([...at, key], typeof value === "object" && value !== null ? doc.createNode(value) : value);
}

/** A function of a group may be nothing but its name, or the path of its source. */
function makeMap(doc: Document, at: Path): void {
  const holder: unknown = at.length === 0 ? undefined : doc.getIn(at);
  if (typeof holder === "string") doc.setIn(at, doc.createNode({ source: holder }));
  else if (holder === null) doc.setIn(at, doc.createNode({}));
}
