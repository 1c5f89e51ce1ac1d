const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const [KI, MI, GI] = [1024, 1024 ** 2, 1024 ** 3];
/** Suffixes of Kubernetes quantities; a bare number is bytes. */
const BYTES: Readonly<Record<string, number>> = { "": 1, Ki: KI, Mi: MI, Gi: GI, k: 1e3, M: 1e6, G: 1e9 };

/** Parses `250ms`, `30s`, `1.5m`, `2h` or `7d` to milliseconds; a bare number is milliseconds. Undefined for other texts. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h|d)?$/.exec(text);
  return match ? Math.round(Number(match[1]) * DURATION_MS[match[2] ?? "ms"]!) : undefined;
}

const INSTANT = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Parses a date such as `2026-11-29`, which begins at 00:00 UTC, or a time with its zone such as `2026-11-29T14:00:00Z`.
 * Undefined for other texts, and for days that their month does not have.
 */
export function parseInstant(text: string): Date | undefined {
  const date = INSTANT.exec(text)?.[1];
  if (date === undefined) return undefined;
  const [day, at] = [new Date(date), new Date(text)];
  if (Number.isNaN(day.getTime()) || Number.isNaN(at.getTime())) return undefined;
  // A Date takes February 31 as March 3.
  return day.toISOString().startsWith(date) ? at : undefined;
}

/** Parses `512Ki`, `256Mi`, `1Gi` or `1048576` to bytes. Undefined for other texts. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)(Ki|Mi|Gi|k|M|G)?$/.exec(text);
  return match ? Math.round(Number(match[1]) * BYTES[match[2] ?? ""]!) : undefined;
}

/** Formats milliseconds for people: `30 s`, `1.5 s`, `250 ms`, `5 min`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}

/** Formats bytes for people: `20 MiB`. */
export function formatBytes(bytes: number): string {
  const [unit, size] = bytes >= GI ? ["GiB", GI] : bytes >= MI ? ["MiB", MI] : ["KiB", KI];
  return bytes >= KI ? `${Number((bytes / size).toFixed(1))} ${unit}` : `${bytes} bytes`;
}
