import { barsOf, type Usage } from "./usage.ts";

const HEIGHT = 120;
const WHOLE = new Intl.NumberFormat("en");

/** Calls over time, with errors in a colour of their own. */
export function Bars({ usage }: { readonly usage: Usage }) {
  const { bars, isDaily } = barsOf(usage);
  const most = Math.max(1, ...bars.map(({ calls }) => calls));
  const text = (at: number) => {
    const date = new Date(at).toISOString();
    return isDaily ? date.slice(0, 10) : `${date.slice(0, 10)} ${date.slice(11, 16)}`;
  };
  const peak = bars.reduce((best, bar) => (bar.calls > best.calls ? bar : best));
  const label = `Calls per ${isDaily ? "day" : "hour"}, at most ${WHOLE.format(peak.calls)} at ${text(peak.at)}`;
  return (
    <figure class="card bars">
      <figcaption class="muted">
        Calls per {isDaily ? "day" : "hour"} (UTC), at most{" "}
        <span class="number">{WHOLE.format(peak.calls)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${bars.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {bars.map(({ at, calls, errors }, index) => (
          <g key={at}>
            <title>{`${text(at)}: ${WHOLE.format(calls)} calls, ${WHOLE.format(errors)} errors`}</title>
            <rect class="space" x={index} y={0} width={1} height={HEIGHT} />
            <rect
              class="calls"
              x={index + 0.1}
              width={0.8}
              y={HEIGHT - (calls / most) * HEIGHT}
              height={(calls / most) * HEIGHT}
            />
            <rect
              class="errors"
              x={index + 0.1}
              width={0.8}
              y={HEIGHT - (errors / most) * HEIGHT}
              height={(errors / most) * HEIGHT}
            />
          </g>
        ))}
      </svg>
      <div class="ends muted number">
        <span>{text(bars[0]!.at)}</span>
        <span>{text(bars.at(-1)!.at)}</span>
      </div>
    </figure>
  );
}
