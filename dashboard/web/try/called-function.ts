import { percentText, type Share, shareOf } from "../function/traffic.ts";

/** What the form needs of `GET /func/NAME`. */
export interface CalledFunction {
  readonly name: string;
  readonly url: string;
  /** Absent where the key cannot read it. */
  readonly version?: number;
  readonly access: string;
  readonly traffic: readonly Share[];
  readonly versions: readonly { readonly version: number }[];
}

/** The members of the answer that are read. */
export interface FunctionAnswer extends Omit<CalledFunction, "access"> {
  readonly settings: { readonly access?: string };
}

export function calledFunction({ settings, ...answer }: FunctionAnswer): CalledFunction {
  return { ...answer, access: settings.access ?? "public" };
}

/** The versions that can be called, newest first; first of all as the traffic is shared. */
export function versionOptions({ traffic, versions, version }: CalledFunction) {
  if (version === undefined) return [{ value: "", text: "as the traffic goes" }];
  const shares = traffic.map((each) => `v${each.version} ${percentText(shareOf(traffic, each.version))}`);
  const share = traffic.length > 1 ? shares.join(", ") : `v${traffic[0]?.version ?? version}`;
  const kept = versions.map((each) => each.version).sort((a, b) => b - a);
  return [
    { value: "", text: `as traffic: ${share}` },
    ...kept.map((each) => ({ value: String(each), text: `version ${each}` })),
  ];
}
