import { includesScope } from "../../../platform/keys/scopes.ts";
import type { FunctionDescription, Traffic } from "../../../platform/platform.ts";
import type { FolderFunction } from "../manifest/read-folder.ts";
import { filesDiff, isSameSource, settingsDiff, trafficDiff } from "./compare.ts";
import { knownVersion } from "./known-version.ts";
import { checkKept, Misfit, orderOf, type PlanFunction, type PlannedVersion } from "./plan.ts";

/**
 * Compares one function with what is deployed.
 * @throws Misfit
 */
export const planFunction: PlanFunction = (wanted, means) =>
  wanted.isSplit ? planSplit(wanted, means) : planSingle(wanted, means);

const planSingle: PlanFunction = async (wanted, means) => {
  const { platform, deploys, signal, limits, principal } = means;
  const { name } = wanted;
  const version = wanted.versions[0]!;
  const description = await platform.describe(name);
  checkKept(version, (await platform.find(name))?.settings.env);
  const given = orderOf(wanted, version, means);
  const first = await deploys.plan({ ...given, signal });
  const { current } = first;
  const stored = current && (await platform.readSource(name, current.version));
  const hasSameHash = current?.sourceHash === first.version.sourceHash;
  const isSame = hasSameHash || (stored !== undefined && (await isSameSource(stored, version, means)));
  const order = isSame && stored ? { ...given, source: stored } : given;
  const planned = isSame && !hasSameHash ? await deploys.plan({ ...order, signal }) : first;
  const reroutes = planned.isUnchanged && description !== undefined && isShared(description);
  const work = { versions: [{ weight: 1, order }], isSplit: false, rules: {}, reroutes };
  if (planned.isUnchanged && !reroutes) {
    return { name, action: "unchanged", version: current!.version, diff: "", work };
  }
  const action = current === undefined ? "create" : "update";
  // A diff shows what only readers may read.
  if (!includesScope(principal.scopes, "read"))
    return { name, action, version: current?.version, diff: "", work };
  const settings = await settingsDiff(current?.settings, planned.version.settings, limits);
  const files = stored && !isSame ? await filesDiff(stored, version.files, means) : "";
  const traffic = reroutes
    ? await trafficDiff(description.traffic, [{ version: current!.version, weight: 1 }])
    : "";
  return { name, action, version: current?.version, diff: traffic + settings + files, work };
};

/** Whether other versions take calls too, or rules place them. */
function isShared({ traffic, sticky, guard }: FunctionDescription): boolean {
  return traffic.length > 1 || sticky !== undefined || guard !== undefined;
}

const planSplit: PlanFunction = async (wanted, means) => {
  const { platform, principal } = means;
  const { name, rules, isSplit } = wanted;
  const description = await platform.describe(name);
  const records = (await platform.listVersions(name)) ?? [];
  const current = records.find(({ version }) => version === description?.version);
  const free = new Set(records.map(({ version }) => version));
  const weightOf = (version: number) =>
    description?.traffic.find((share) => share.version === version)?.weight ?? 0;
  // Versions that differ only in values that the folder leaves out: the one with the same weight, then the newest.
  const byWeight = (weight: number) =>
    records
      .filter(({ version }) => free.has(version))
      .toSorted((a, b) => {
        const [isA, isB] = [a, b].map(({ version }) => Number(weightOf(version) === weight));
        return isB! - isA! || b.version - a.version;
      });
  const versions: PlannedVersion[] = [];
  for (const version of wanted.versions) {
    const known = await knownVersion({ name, version, records: byWeight(version.weight) }, means);
    if (known !== undefined) free.delete(known);
    if (known === undefined) checkKept(version, current?.settings.env);
    versions.push({ weight: version.weight, known, order: orderOf(wanted, version, means) });
  }
  const traffic = versions.flatMap(({ known, weight }) => (weight > 0 ? [{ version: known, weight }] : []));
  if (traffic.length === 0 && (description?.traffic.length ?? 0) > 0) {
    throw new Misfit(wanted.pointer, `"${name}" takes calls now: give one of its versions a weight over 0.`);
  }
  const isDeployed = versions.every(({ known }) => known !== undefined);
  const reroutes = traffic.length > 0 && !isSameRoute(description, wanted, traffic);
  const work = { versions, isSplit, rules, reroutes };
  if (isDeployed && !reroutes)
    return { name, action: "unchanged", version: description?.version, diff: "", work };
  const action = description === undefined ? "create" : "update";
  const change = { name, action, version: description?.version, work } as const;
  if (!includesScope(principal.scopes, "read")) return { ...change, diff: "" };
  const parts = [await trafficDiff(description?.traffic ?? [], traffic)];
  const stored = current && (await platform.readSource(name, current.version));
  for (const [index, { settings, files }] of wanted.versions.entries()) {
    if (versions[index]!.known !== undefined) continue;
    parts.push(await settingsDiff(current?.settings, settings, means.limits));
    if (stored) parts.push(await filesDiff(stored, files, means));
  }
  return { ...change, diff: parts.join("") };
};

function isSameRoute(
  description: FunctionDescription | undefined,
  { rules }: Pick<FolderFunction, "rules">,
  wanted: readonly { readonly version: number | undefined; readonly weight: number }[],
): boolean {
  const text = (shares: readonly { version: number | undefined; weight: number }[]) =>
    JSON.stringify(shares.map(({ version, weight }) => `${version}:${weight}`).sort());
  const before: Traffic = description?.traffic ?? [];
  const [sticky, guard] = [rules.sticky, rules.guard].map((rule) => JSON.stringify(rule));
  return (
    text(before) === text(wanted) &&
    JSON.stringify(description?.sticky) === sticky &&
    JSON.stringify(description?.guard) === guard
  );
}
