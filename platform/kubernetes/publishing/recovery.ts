import type { Limits } from "../../limits.ts";
import { currentVersion } from "../../traffic.ts";
import type { Cluster, JsonOperation } from "../cluster/api.ts";
import { unlessStatus } from "../cluster/api-error.ts";
import { type FunctionResource, KINDS, type Resource } from "../cluster/resources.ts";
import {
  functionPlace,
  hasOwnSource,
  keptVersions,
  specOf,
  trafficOf,
  unstarted,
} from "../objects/function-resource.ts";
import { LABELS } from "../objects/names.ts";
import { recordsOf } from "../versions/versions.ts";
import { newMark, onlyWithMark, withoutMark } from "./turn-mark.ts";

export interface RecoveryOptions extends Cluster {
  readonly limits: Limits;
}

/** Ends the change of a dead manager: removes an unlisted version, and keeps a written route. */
export async function recover(
  abandoned: FunctionResource,
  options: RecoveryOptions & { readonly print: (line: string) => void },
): Promise<void> {
  const { api, namespace, limits, print } = options;
  const { name, resourceVersion } = abandoned.metadata;
  const place = functionPlace(namespace, name);
  const { by, annotations } = newMark();
  // Taken over first, so that no other manager changes the function at the same time.
  const marking = api.patch<FunctionResource>(place, { metadata: { resourceVersion, annotations } });
  const resource = await unlessStatus(marking, 404, 409);
  if (!resource) return;
  const kept = keptVersions(resource, limits);
  if (kept.length === 0 && !hasOwnSource(resource.spec)) {
    print(`${name}: removing an interrupted first deploy`);
    await api.delete(place, "Foreground", { uid: resource.metadata.uid! });
    return;
  }
  const mended = await cleanUp(resource, options);
  const current = currentVersion(trafficOf(resource, kept));
  print(`${name}: ending an interrupted deploy with version ${current ?? "none"}`);
  await unlessStatus(api.patchJson(place, [onlyWithMark(by), ...mended, ...withoutMark(resource)]), 404, 422);
}

/** Deletes the leftovers of a dead manager's change. Returns the patch that repairs `spec`. The caller has the turn. */
export async function cleanUp(
  resource: FunctionResource,
  { api, namespace, limits }: RecoveryOptions,
): Promise<JsonOperation[]> {
  const { metadata, status } = resource;
  const { name } = metadata;
  const kept = keptVersions(resource, limits);
  const current = currentVersion(trafficOf(resource, kept));
  if (current !== undefined && current !== status?.version) {
    const place = { ...functionPlace(namespace, name), subresource: "status" };
    await unlessStatus(api.patch(place, { status: { version: current } }), 404);
  }
  const [parts, deployments] = await Promise.all(
    ([KINDS.configMaps, KINDS.deployments] as const).map(async (kind) => {
      const selector = `${LABELS.function}=${name},${LABELS.version}`;
      const options = { metadataOnly: true };
      return (await api.list<Resource>({ kind, namespace }, selector, options)).items;
    }),
  );
  // An older Skiff lists no versions, and writes `spec.version` before the version is ready.
  if (status?.versions || kept.length === 0) {
    const isUnlisted = ({ metadata: { labels } }: Resource) =>
      !kept.some(({ version }) => String(version) === labels?.[LABELS.version]);
    const places = [
      ...parts!.filter(isUnlisted).map((each) => ({ kind: KINDS.configMaps, each })),
      ...deployments!.filter(isUnlisted).map((each) => ({ kind: KINDS.deployments, each })),
    ];
    for (const { kind, each } of places) {
      const { name: object, uid } = each.metadata;
      await unlessStatus(api.delete({ kind, namespace, name: object }, "Background", { uid }), 409);
    }
  }
  return mended(resource, current, parts!);
}

/** Restores the serving version in a `spec` that names a missing one. */
function mended(
  { spec }: FunctionResource,
  current: number | undefined,
  parts: readonly Resource[],
): JsonOperation[] {
  if (spec.version === undefined || spec.version === current) return [];
  const { version: _, traffic: __, ...rest } = spec;
  const record = recordsOf(parts).find(({ version }) => version === current);
  const version = current === undefined ? {} : { version: current };
  const restored = record ? { ...unstarted(rest), ...specOf(record.settings) } : rest;
  return [{ op: "add", path: "/spec", value: { ...restored, ...version } }];
}
