import { durationText } from "../ui/values.tsx";
import type { Bar } from "./trace.ts";

/** The parts of a call, each from its start to its end. */
export function Waterfall({ bars }: { readonly bars: readonly Bar[] }) {
  return (
    <ol class="waterfall">
      {bars.map(({ name, label, from, length, durationMs, startMs, status = 0 }, index) => (
        <li key={`${name} ${index}`} title={`from ${durationText(startMs)}, for ${durationText(durationMs)}`}>
          <span class={name.startsWith("wake.") ? "name inner" : "name"}>{label}</span>
          <svg viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
            <rect
              class={
                status >= 500 || (status === 0 && name.startsWith("attempt")) ? "series-7" : seriesOf(name)
              }
              x={from * 1_000}
              y="0"
              width={Math.max(2, length * 1_000)}
              height="14"
            />
          </svg>
          <span class="number">{durationText(durationMs)}</span>
        </li>
      ))}
    </ol>
  );
}

function seriesOf(name: string): string {
  if (name.startsWith("wake.")) return "series-2";
  return name === "wait" || name === "queue" ? "series-5" : "series-0";
}
