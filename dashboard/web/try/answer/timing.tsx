import { durationText } from "../../ui/values.tsx";
import { stepsOf, type Times } from "./server-timing.ts";

/** The time of a call by steps. Those of a cold start come from the `Server-Timing` field of the answer. */
export function Timing(times: Times) {
  const steps = stepsOf(times);
  const total = Math.max(0.1, times.totalMs);
  return (
    <figure class="timing" aria-label="Timing">
      <svg class="timing-bar" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
        {placed(steps, total).map(({ name, start, width }, index) => (
          <rect
            key={name}
            class={`series-${index % 8}`}
            x={start}
            y="0"
            width={Math.max(1, width)}
            height="12"
          />
        ))}
      </svg>
      <figcaption>
        {steps.map(({ name, durationMs }, index) => (
          <span key={name}>
            <i class={`key series-${index % 8}`} /> {name} <b>{durationText(durationMs)}</b>
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

function placed(steps: readonly { name: string; durationMs: number }[], total: number) {
  let start = 0;
  return steps.map(({ name, durationMs }) => {
    const width = (durationMs / total) * 1_000;
    const place = { name, start, width };
    start += width;
    return place;
  });
}
