/** A version that takes calls, with its weight among all of them. */
export interface Share {
  readonly version: number;
  readonly weight: number;
}

/** The part of the calls that a version gets, from 0 to 1. */
export function shareOf(traffic: readonly Share[], version: number): number {
  const sum = traffic.reduce((all, { weight }) => all + weight, 0);
  const own = traffic.find((each) => each.version === version)?.weight ?? 0;
  return sum === 0 ? 0 : own / sum;
}

/** Returns the versions that take some of the calls and are newer than this one, with their parts from 0 to 1. */
export function newerWithCalls(than: number, traffic: readonly Share[]) {
  return traffic
    .filter(({ version, weight }) => version > than && weight > 0)
    .map(({ version }) => ({ version, share: shareOf(traffic, version) }));
}

/** Traffic as percentages, the largest first, such as `v2 80 % · v3 20 %`. */
export function trafficText(traffic: readonly Share[]): string {
  return traffic
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ version }) => `v${version} ${percentText(shareOf(traffic, version))}`)
    .join(" · ");
}

/** Such as `20 %` and `0.5 %`. */
export function percentText(share: number): string {
  const percent = share * 100;
  return `${percent >= 10 ? Math.round(percent) : Number(percent.toFixed(1))} %`;
}

/** Says where calls go if not all of them go to a version; undefined if they do. */
export function otherThanLive(
  { traffic }: { readonly traffic: readonly Share[] },
  version: number,
): string | undefined {
  const taking = traffic.filter(({ weight }) => weight > 0);
  if (taking.length === 1 && taking[0]!.version === version) return undefined;
  return callsText(taking);
}

/** Such as `its calls go to v1 and v2`. */
export function callsText(traffic: readonly Share[]): string {
  if (traffic.length === 0) return "no version takes calls";
  return `its calls go to ${traffic.map(({ version }) => `v${version}`).join(" and ")}`;
}
