import type { Share } from "./traffic.ts";

const WIDTH = 100;

/** Which versions take which part of the calls, as a bar with its legend. */
export function TrafficLine({ traffic }: { readonly traffic: readonly Share[] }) {
  const all = traffic.reduce((sum, { weight }) => sum + weight, 0);
  if (all === 0) return <p class="muted">No version takes calls.</p>;
  let at = 0;
  const parts = traffic
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ version, weight }) => {
      const [x, width] = [at, (weight / all) * WIDTH];
      at += width;
      return { version, x, width };
    });
  return (
    <div class="traffic-line card">
      <svg viewBox={`0 0 ${WIDTH} 8`} preserveAspectRatio="none" height="10" aria-hidden="true">
        {parts.map(({ version, x, width }, index) => (
          <rect key={version} class={`share-${index % 4}`} x={x} width={width} height="8" />
        ))}
      </svg>
      <ul>
        {parts.map(({ version, width }, index) => (
          <li key={version}>
            <svg width="10" height="10" aria-hidden="true">
              <rect class={`share-${index % 4}`} width="10" height="10" rx="3" />
            </svg>
            v{version} <strong class="number">{Number(width.toFixed(1))} %</strong>
          </li>
        ))}
      </ul>
    </div>
  );
}
