import { signal } from "@preact/signals";

/** The present, moved on each ten seconds, so that relative times stay true. */
const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 10_000);

const STEPS: readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });

/** A time: relative, with the exact one on hover. */
export function When({ at }: { readonly at: string | number | Date | undefined | null }) {
  if (at === undefined || at === null) return <span class="muted">never</span>;
  const date = new Date(at);
  return (
    <time dateTime={date.toISOString()} title={`${EXACT.format(date)} · ${date.toISOString()}`}>
      {relative(date.getTime(), Math.max(now.value, Date.now()))}
    </time>
  );
}

/** Such as `3 min. ago`. */
export function relative(atMs: number, nowMs: number): string {
  const seconds = (atMs - nowMs) / 1_000;
  if (Math.abs(seconds) < 5) return "now";
  const [unit, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? STEPS.at(-1)!;
  return RELATIVE.format(Math.round(seconds / size), unit);
}

/** Such as `12 ms`, `1.4 s`, `3 min 20 s`. */
export function durationText(ms: number): string {
  if (ms < 1) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  const [hours, minutes, seconds] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1_000) % 60].map(Math.floor);
  return hours! > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds} s`;
}

export function Duration({ ms }: { readonly ms: number | undefined | null }) {
  return <span class="number">{ms === undefined || ms === null ? "–" : durationText(ms)}</span>;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** Such as `4.2 MiB`. */
export function bytesText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1_024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`;
}

export function Bytes({ value }: { readonly value: number | undefined | null }) {
  return <span class="number">{value === undefined || value === null ? "–" : bytesText(value)}</span>;
}

const COUNT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat("en");

/** Such as `1.2K`, with the whole number on hover. */
export function Count({ value }: { readonly value: number | undefined | null }) {
  if (value === undefined || value === null) return <span class="number">–</span>;
  return (
    <span class="number" title={WHOLE.format(value)}>
      {value < 10_000 ? WHOLE.format(value) : COUNT.format(value)}
    </span>
  );
}

export type Tone = "ok" | "warn" | "bad" | "info" | "quiet";

/** A short state. The word carries the meaning, the colour repeats it. */
export function Badge({ tone = "quiet", title, children }: BadgeProps) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

interface BadgeProps {
  readonly tone?: Tone;
  readonly title?: string;
  readonly children: preact.ComponentChildren;
}

/** The tone of an HTTP status. */
export function toneOfStatus(status: number): Tone {
  if (status === 0 || status >= 500) return "bad";
  if (status >= 400) return "warn";
  return status >= 300 ? "info" : "ok";
}
