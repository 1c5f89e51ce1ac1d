export interface SparklineProps {
  /** Oldest first; null where nothing was measured. */
  readonly values: readonly (number | null)[];
  /** What they are, for screen readers, such as `Calls in the last hour`. */
  readonly label: string;
  readonly tone?: "accent" | "bad" | "muted";
}

const [WIDTH, HEIGHT] = [96, 24];

/** A small picture of how a value went, scaled to its greatest. */
export function Sparkline({ values, label, tone = "accent" }: SparklineProps) {
  const most = Math.max(...values.map((value) => value ?? 0));
  const step = WIDTH / Math.max(1, values.length);
  const height = (value: number) => (most === 0 ? 0 : (value / most) * (HEIGHT - 2));
  return (
    <svg
      class={`sparkline ${tone}`}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={`${label}: ${summary(values)}`}
    >
      {values.map((value, index) =>
        value ? (
          <rect
            key={index}
            x={index * step}
            y={HEIGHT - Math.max(1, height(value))}
            width={Math.max(1, step - 1)}
            height={Math.max(1, height(value))}
          />
        ) : null,
      )}
    </svg>
  );
}

function summary(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.every((value) => value === 0)) return "none";
  return `at most ${Math.max(...known)}, last ${known.at(-1)}`;
}
