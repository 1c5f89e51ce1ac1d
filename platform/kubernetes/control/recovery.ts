import { currentVersion } from "../../traffic.ts";
import type { JsonOperation } from "../cluster/api.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { type FunctionResource, KINDS } from "../cluster/resources.ts";
import { keptVersions, specOf, trafficOf } from "../objects/function-resource.ts";
import { ANNOTATIONS, LABELS } from "../objects/names.ts";
import { annotationPath, functionPlace, ownMark } from "../publishing/publish-turns.ts";
import { recordsOf } from "../versions/versions.ts";
import type { ControlOptions } from "./cluster-view.ts";

/** Ends the change of a dead manager: removes an unlisted version, and keeps a written route. */
export async function recover(resource: FunctionResource, options: ControlOptions): Promise<void> {
  const { api, namespace, limits, print } = options;
  const { metadata, spec, status } = resource;
  const { name } = metadata;
  const place = functionPlace(namespace, name);
  const kept = keptVersions(resource, limits);
  if (kept.length === 0 && spec.source === undefined) {
    print(`${name}: removing an interrupted first deploy`);
    await api.delete(place, "Foreground", { uid: metadata.uid! });
    return;
  }
  const current = currentVersion(trafficOf(resource, kept));
  if (current !== undefined && current !== status?.version) {
    await api.patch({ ...place, subresource: "status" }, { status: { version: current } });
  }
  // An older Skiff lists no versions, and writes `spec.version` before the version is ready.
  if (status?.versions || kept.length === 0) await forgetUnlisted(name, kept, options);
  const operations: JsonOperation[] = [
    ownMark(resource),
    ...mended(resource, current, options),
    { op: "remove", path: annotationPath(ANNOTATIONS.publishingSince) },
  ];
  print(`${name}: ending an interrupted deploy with version ${current ?? "none"}`);
  // 422: the manager was only slow and has removed the mark.
  await unlessStatus(api.patchJson(place, operations), 422);
}

async function forgetUnlisted(
  name: string,
  kept: readonly { version: number }[],
  { api, namespace, view }: ControlOptions,
): Promise<void> {
  const parts = view.configMaps(name).map(({ metadata }) => ({ kind: KINDS.configMaps, metadata }));
  const deployments = view.deployments(name).map(({ metadata }) => ({ kind: KINDS.deployments, metadata }));
  const unlisted = [...parts, ...deployments].filter(({ metadata }) => {
    const version = metadata.labels?.[LABELS.version];
    return version !== undefined && !kept.some((each) => String(each.version) === version);
  });
  for (const { kind, metadata } of unlisted) {
    await api.delete({ kind, namespace, name: metadata.name }, "Background");
  }
}

/** Restores the serving version in a `spec` that names a missing one. */
function mended(
  { spec, metadata }: FunctionResource,
  current: number | undefined,
  { view }: ControlOptions,
): JsonOperation[] {
  if (spec.version === undefined || spec.version === current) return [];
  const { version: _, traffic: __, ...rest } = spec;
  const record = recordsOf(view.configMaps(metadata.name)).find(({ version }) => version === current);
  const version = current === undefined ? {} : { version: current };
  return [
    { op: "add", path: "/spec", value: { ...rest, ...(record ? specOf(record.settings) : {}), ...version } },
  ];
}
