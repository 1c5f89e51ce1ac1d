const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Binary suffixes as in Kubernetes quantities; a bare number is bytes. */
const BYTES: Readonly<Record<string, number>> = {
  "": 1,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  k: 1000,
  M: 1000 ** 2,
  G: 1000 ** 3,
};

/** `250ms`, `30s`, `1.5m`, `2h` in milliseconds; a bare number is milliseconds. Undefined if it is neither. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text);
  return match ? Math.round(Number(match[1]) * DURATION_MS[match[2] ?? "ms"]!) : undefined;
}

/** `512Ki`, `256Mi`, `1Gi`, `1048576` in bytes. Undefined if it is none of these. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)(Ki|Mi|Gi|k|M|G)?$/.exec(text);
  return match ? Math.round(Number(match[1]) * BYTES[match[2] ?? ""]!) : undefined;
}

/** Milliseconds as a person would write them: `30 s`, `1.5 s`, `250 ms`, `5 min`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`;
  return `${Number((ms / 60_000).toFixed(1))} min`;
}

/** Bytes as a person would write them: `20 MiB`. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ["GiB", 1024 ** 3],
    ["MiB", 1024 ** 2],
    ["KiB", 1024],
  ] as const) {
    if (bytes >= size) return `${Number((bytes / size).toFixed(1))} ${unit}`;
  }
  return `${bytes} bytes`;
}
