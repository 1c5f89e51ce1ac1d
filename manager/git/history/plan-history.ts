import type { Traffic, VersionRecord } from "../../../platform/platform.ts";
import { canonicalSettings, type Settings } from "../../../platform/settings/settings.ts";
import type { FunctionState } from "../repository.ts";

/** What the platform says of a function. */
export interface FunctionFacts {
  /** Kept versions, oldest first. */
  readonly versions: readonly VersionRecord[];
  readonly traffic: Traffic;
  /** The version that had all calls before the present traffic. */
  readonly previous?: number | undefined;
  /** Versions that git deployed and whose commit is in the repository, on top of its branch. */
  readonly ahead?: ReadonlySet<number>;
}

/** What follows from facts, in this order. */
export type HistoryStep =
  /**
   * A commit with the source and settings of the version: on the tip, which moves to it, or beside the branch. The
   * version `alike` has the same source.
   */
  | {
      readonly kind: "commit";
      readonly record: VersionRecord;
      readonly movesTip: boolean;
      readonly alike?: number | undefined;
    }
  /** The version has the commit of another one. */
  | { readonly kind: "same"; readonly record: VersionRecord; readonly as: number; readonly isTip: boolean }
  /** The tip moves to the commit that made the version. */
  | { readonly kind: "forward"; readonly record: VersionRecord }
  /** The tip gets the tree of a version that takes all calls again, or for the first time. */
  | { readonly kind: "switch"; readonly record: VersionRecord; readonly isBack: boolean };

/** A function of which nothing is recorded yet. */
export function newFunction(path: string): FunctionState {
  return { path, version: 0, serving: 0, versions: {} };
}

/** Whether the versions belong to another function of this name: the recorded one was removed. */
export function isMadeAnew(state: FunctionState, versions: readonly VersionRecord[]): boolean {
  const newest = versions.at(-1)?.version ?? 0;
  if (newest < state.version) return true;
  return versions.some(({ version, hash }) => (state.versions[version]?.hash ?? hash) !== hash);
}

/** Whether the plan depends on `previous`. */
export function needsPrevious(state: FunctionState, { versions, traffic }: FunctionFacts): boolean {
  const most = Math.max(0, ...traffic.map(({ version }) => version));
  return traffic.length > 0 && versions.some((each) => each.version > most && !isKnown(state, each));
}

/**
 * Plans the commits of versions that have none. Versions that had calls are on the branch, in the order of their numbers;
 * previews are beside it, until calls go to them. Equal facts make equal plans.
 */
export function planHistory(state: FunctionState, facts: FunctionFacts): HistoryStep[] {
  const { versions, traffic, previous = 0, ahead } = facts;
  const callees = new Set(traffic.map((share) => share.version));
  const whole = wholeOf(traffic);
  const top = traffic.length === 0 ? Number.POSITIVE_INFINITY : Math.max(previous, ...callees);
  const isFresh = state.version === 0;
  const steps: HistoryStep[] = [];
  const known = versions.filter((each) => isKnown(state, each));
  let tip = state.version;
  for (const record of versions) {
    const { version, note } = record;
    const hasCalls = callees.has(version);
    if (isKnown(state, record) || (version < state.version && !hasCalls)) continue;
    const movesTip = version > state.version && version <= top;
    // It was staged by a push that was refused, unless the repository itself is new.
    if (note.author !== undefined && !hasCalls && !(isFresh && movesTip)) continue;
    const refreshed = known.findLast((each) => differsInSecretsAlone(each, record));
    if (refreshed !== undefined && (refreshed.version === tip || version !== whole)) {
      const isTip = refreshed.version === tip;
      steps.push({ kind: "same", record, as: refreshed.version, isTip });
      if (isTip) tip = version;
    } else if (movesTip && ahead?.has(version) && steps.every(({ kind }) => kind === "forward")) {
      steps.push({ kind: "forward", record });
      tip = version;
    } else {
      const alike = known.findLast(({ sourceHash }) => sourceHash === record.sourceHash)?.version;
      steps.push({ kind: "commit", record, movesTip, alike });
      if (movesTip) tip = version;
    }
    known.push(record);
  }
  const record = versions.find(({ version }) => version === whole);
  const isSwitched = whole !== tip && (whole !== state.serving || tip !== state.version);
  if (record !== undefined && isSwitched)
    steps.push({ kind: "switch", record, isBack: record.version < tip });
  return steps;
}

/** The version with all calls; undefined if several have some, or none has any. */
export function wholeOf(traffic: Traffic): number | undefined {
  return traffic.length === 1 ? traffic[0]!.version : undefined;
}

function isKnown(state: FunctionState, { version }: VersionRecord): boolean {
  return Object.hasOwn(state.versions, version);
}

/** A new value of a secret makes a version for each one that takes calls, with nothing in it that a tree shows. */
function differsInSecretsAlone(one: VersionRecord, other: VersionRecord): boolean {
  if (one.sourceHash !== other.sourceHash || one.hash === other.hash) return false;
  return (
    canonicalSettings(withoutVersions(one.settings)) === canonicalSettings(withoutVersions(other.settings))
  );
}

function withoutVersions(settings: Settings): Settings {
  const secrets = Object.entries(settings.secrets).map(([variable, ref]) => [
    variable,
    { ...ref, version: 0 },
  ]);
  return { ...settings, secrets: Object.fromEntries(secrets) };
}
