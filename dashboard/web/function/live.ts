import type { Described, Share } from "./described.ts";

/** What became of a version that should have all calls; undefined if it has them. */
export function otherThanLive({ traffic }: Pick<Described, "traffic">, version: number): string | undefined {
  const taking = traffic.filter(({ weight }) => weight > 0);
  if (taking.length === 1 && taking[0]!.version === version) return undefined;
  return callsText(taking);
}

/** Such as `its calls go to v1 and v2`. */
export function callsText(traffic: readonly Share[]): string {
  if (traffic.length === 0) return "no version takes calls";
  return `its calls go to ${traffic.map(({ version }) => `v${version}`).join(" and ")}`;
}
