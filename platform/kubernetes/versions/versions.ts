import type { ProjectLaunch } from "../../../client-image/project/project-pack.ts";
import type { Draft, VersionRecord as PlatformRecord, SourceType, VersionNote } from "../../platform.ts";
import { parseSettings } from "../../settings/settings.ts";
import type { Resource } from "../cluster/resources.ts";
import { ANNOTATIONS, LABELS, partName } from "../objects/names.ts";

/** A stored version without its content. The Function says which versions are pinned. */
export interface VersionRecord extends Omit<PlatformRecord, "pinned"> {
  readonly sourceType: SourceType;
  /** Absent if the artifact is a module. */
  readonly project?: ProjectLaunch;
  readonly bundleParts: number;
  readonly sourceParts: number;
}

const UNKNOWN_NOTE: VersionNote = { by: "unknown" };

export type Part = "bundle" | "source";

/** Returns the names of the ConfigMaps with a part of a version. Those of the bundle come first, then the source. */
export function partNames(record: VersionRecord, part: Part): string[] {
  const [first, count] =
    part === "bundle" ? [0, record.bundleParts] : [record.bundleParts, record.sourceParts];
  return Array.from({ length: count }, (_, index) => partName(record, first + index));
}

/** Returns the annotations that describe a version. The first ConfigMap of each part has them, as either may be lost. */
export function recordAnnotations(record: VersionRecord): Record<string, string> {
  return {
    [ANNOTATIONS.hash]: record.hash,
    [ANNOTATIONS.sourceHash]: record.sourceHash,
    [ANNOTATIONS.sourceType]: record.sourceType,
    [ANNOTATIONS.settings]: JSON.stringify(record.settings),
    [ANNOTATIONS.createdAt]: record.createdAt.toISOString(),
    [ANNOTATIONS.note]: JSON.stringify(record.note),
    ...(record.sourceBytes === undefined ? {} : { [ANNOTATIONS.sourceBytes]: String(record.sourceBytes) }),
    ...(record.project === undefined ? {} : { [ANNOTATIONS.project]: JSON.stringify(record.project) }),
    [ANNOTATIONS.parts]: `${record.bundleParts}/${record.sourceParts}`,
  };
}

/**
 * Returns the complete versions among the ConfigMaps of one function, by number. A version is complete when all of its
 * parts exist: an interrupted `store` leaves no version.
 */
export function recordsOf(configMaps: readonly Resource[]): VersionRecord[] {
  return allRecordsOf(configMaps).filter((record) => missingParts(record, configMaps).length === 0);
}

/** Returns the versions with a complete part among the ConfigMaps. */
export function recordsInParts(configMaps: readonly Resource[], part: Part): VersionRecord[] {
  return allRecordsOf(configMaps).filter((record) => !missingParts(record, configMaps).includes(part));
}

/** Includes versions with deleted parts. */
export function allRecordsOf(configMaps: readonly Resource[]): VersionRecord[] {
  const records = configMaps.flatMap((each) => parseRecord(each) ?? []);
  const byVersion = new Map(records.map((record) => [record.version, record]));
  return [...byVersion.values()].sort((a, b) => a.version - b.version);
}

/** Returns the incomplete parts of a version. */
export function missingParts(record: VersionRecord, configMaps: readonly Resource[]): Part[] {
  const names = new Set(configMaps.map(({ metadata }) => metadata.name));
  const parts: readonly Part[] = ["bundle", "source"];
  return parts.filter((part) => !partNames(record, part).every((name) => names.has(name)));
}

function parseRecord({ metadata }: Resource): VersionRecord | undefined {
  const { labels = {}, annotations = {} } = metadata;
  const parts = /^(\d+)\/(\d+)$/.exec(annotations[ANNOTATIONS.parts] ?? "");
  const name = labels[LABELS.function];
  const settings = annotations[ANNOTATIONS.settings];
  const { [ANNOTATIONS.project]: project, [ANNOTATIONS.note]: note } = annotations;
  const sourceBytes = annotations[ANNOTATIONS.sourceBytes];
  if (!parts || name === undefined || settings === undefined) return undefined;
  return {
    name,
    version: Number(labels[LABELS.version]),
    hash: annotations[ANNOTATIONS.hash] ?? "",
    sourceHash: annotations[ANNOTATIONS.sourceHash] ?? "",
    sourceType: (annotations[ANNOTATIONS.sourceType] ?? "text/typescript") as SourceType,
    settings: parseSettings(settings),
    createdAt: new Date(annotations[ANNOTATIONS.createdAt] ?? metadata.creationTimestamp ?? 0),
    note: note === undefined ? UNKNOWN_NOTE : (JSON.parse(note) as VersionNote),
    ...(sourceBytes === undefined ? {} : { sourceBytes: Number(sourceBytes) }),
    ...(project === undefined ? {} : { project: JSON.parse(project) as ProjectLaunch }),
    bundleParts: Number(parts[1]),
    sourceParts: Number(parts[2]),
  };
}

export type NewRecord = Pick<
  VersionRecord,
  "version" | "createdAt" | "sourceType" | "sourceBytes" | "project" | "bundleParts" | "sourceParts"
>;

export function newRecord(
  { name, hash, sourceHash, settings, note = UNKNOWN_NOTE }: Draft,
  rest: NewRecord,
): VersionRecord {
  return { name, hash, sourceHash, settings, note, ...rest };
}

/** Most ConfigMaps of a function besides its serving versions, because etcd is shared with the whole cluster. */
export const PARTS_KEPT = 64;

/** Returns the versions to forget: all but the newest `keep` within PARTS_KEPT, and none of `needed`. */
export function versionsToForget(
  records: readonly VersionRecord[],
  keep: number,
  needed: readonly number[],
): VersionRecord[] {
  let parts = 0;
  let kept = 0;
  const forget: VersionRecord[] = [];
  for (const record of records.toSorted((a, b) => b.version - a.version)) {
    const fits = kept < keep && parts + record.bundleParts + record.sourceParts <= PARTS_KEPT;
    if (!needed.includes(record.version) && !fits) {
      forget.push(record);
      continue;
    }
    kept++;
    parts += record.bundleParts + record.sourceParts;
  }
  return forget;
}
