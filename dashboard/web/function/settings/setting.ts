import type { Settings } from "../described.ts";

export type Kind = "count" | "duration" | "mib" | "text" | "lines" | "words" | "choice" | "flag";

/** A setting that a form can change. */
export interface Setting {
  /** Its members in JSON, such as `quota.rate`. */
  readonly path: string;
  /** Its name in a query, which problems may use. */
  readonly query?: string;
  readonly label: string;
  readonly kind: Kind;
  /** What it means, with range and default. */
  readonly hint: string;
  /** The least and the greatest number, in its unit. */
  readonly range?: readonly [least: number, most: number];
  /** Shown in an empty field. */
  readonly example?: string;
  /** Values of a choice. The first one is the default. */
  readonly options?: readonly string[];
  /** What an empty field sends; null, which restores the default, if absent. */
  readonly empty?: unknown;
  /** For which functions it has a meaning. */
  readonly isFor?: (settings: Settings) => boolean;
}

export interface SettingGroup {
  readonly title: string;
  readonly settings: readonly Setting[];
}

/** Changed fields as people wrote them, by path. */
export type Draft = Readonly<Record<string, string>>;

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

/** Returns the present value of a setting as its field shows it. */
export function textOf(settings: Settings, { path, kind }: Setting): string {
  const value = path
    .split(".")
    .reduce<unknown>((within, member) => (within as Record<string, unknown> | undefined)?.[member], settings);
  if (value === undefined || value === null) return "";
  if (kind === "duration") return durationOf(Number(value));
  if (kind === "lines") return (value as readonly string[]).join("\n");
  if (kind === "words") return (value as readonly string[]).map(quoted).join(" ");
  return String(value);
}

/** Such as `30s` and `1500ms`. */
export function durationOf(ms: number): string {
  const unit = (["h", "m", "s"] as const).find((each) => ms >= UNITS_MS[each] && ms % UNITS_MS[each] === 0);
  return unit === undefined ? `${ms}ms` : `${ms / UNITS_MS[unit]}${unit}`;
}

/**
 * Reads a field for a merge patch; an empty one restores the default.
 * @throws Error that says how to write it
 */
export function readText(text: string, { kind, range, empty = null }: Setting): unknown {
  const trimmed = text.trim();
  if (trimmed === "") return empty;
  if (kind === "duration") return within(msOf(trimmed), range, durationOf);
  if (kind === "count" || kind === "mib") return within(numberOf(trimmed, kind), range, String);
  if (kind === "lines") return trimmed.split("\n").flatMap((each) => each.trim() || []);
  if (kind === "flag") return trimmed === "true";
  // The API splits a command as a shell does.
  return trimmed;
}

/** Returns what changed as a merge patch (RFC 7396), and what cannot be read, by path. */
export function patchOf(
  draft: Draft,
  settings: readonly Setting[],
): { readonly patch: Record<string, unknown>; readonly faults: Readonly<Record<string, string>> } {
  const patch: Record<string, unknown> = {};
  const faults: Record<string, string> = {};
  for (const setting of settings) {
    const text = draft[setting.path];
    if (text === undefined) continue;
    try {
      const [first, second] = setting.path.split(".") as [string, string?];
      const value = readText(text, setting);
      if (second === undefined) patch[first] = value;
      else patch[first] = { ...(patch[first] as Record<string, unknown> | undefined), [second]: value };
    } catch (error) {
      faults[setting.path] = (error as Error).message;
    }
  }
  return { patch, faults };
}

/** Whether a problem of the API is about a setting, which it names as in JSON or as in a query. */
export function isAbout({ path, query }: Setting, named: unknown): boolean {
  return named === path || named === (query ?? path.split(".").at(-1));
}

function within(value: number, range: Setting["range"], shown: (value: number) => string): number {
  if (range === undefined || (value >= range[0] && value <= range[1])) return value;
  throw new Error(`Write a value from ${shown(range[0])} to ${shown(range[1])}.`);
}

function msOf(text: string): number {
  const [, count, unit = "ms"] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`"${text}" is not a duration: write 250ms, 30s, 5m or 1h.`);
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

function numberOf(text: string, kind: Kind): number {
  const [, count, unit] = /^(\d+)\s*(MiB|Mi|GiB|Gi)?$/.exec(text) ?? [];
  if (count === undefined || (unit !== undefined && kind !== "mib")) {
    throw new Error(`"${text}" is not a number: write it in digits.`);
  }
  return Number(count) * (unit?.startsWith("G") ? 1_024 : 1);
}

function quoted(word: string): string {
  return /^[^\s'"\\]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
