import { Figure } from "../blocks/facts.tsx";
import { Notice } from "../ui/notice.tsx";
import { Count, durationText } from "../ui/values.tsx";
import type { Described } from "./described.ts";

/** The last hour in figures. */
export function ActivityFigures({ described }: { readonly described: Described }) {
  const { lastHour, noHistory, async: queue } = described;
  if (lastHour === undefined) return <Notice kind="warn">{noHistory}</Notice>;
  const { calls, errors, p50Ms, p95Ms } = lastHour;
  const time = (ms: number | undefined) => (ms === undefined ? "–" : durationText(ms));
  return (
    <div class="cards">
      <Figure title="Calls" value={<Count value={calls} />} />
      <Figure
        title="Errors"
        value={
          <span class={errors > 0 ? "bad-text" : undefined}>
            <Count value={errors} />
          </span>
        }
        note={calls === 0 ? undefined : `${percentOf(errors, calls)} of the calls`}
      />
      <Figure title="Median" value={time(p50Ms)} />
      <Figure title="95th percentile" value={time(p95Ms)} />
      {queue === undefined ? null : (
        <Figure
          title="Waiting calls"
          value={<Count value={queue.waiting} />}
          note={`asynchronous; ${queue.running} running, ${queue.dead} dead`}
        />
      )}
    </div>
  );
}

function percentOf(part: number, whole: number): string {
  const percent = (part / whole) * 100;
  return `${percent === 0 || percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`;
}
