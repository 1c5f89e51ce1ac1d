import { Problem } from "../../../platform/problems.ts";
import type { FlowVersion, FlowVersions } from "../../../store/flows/runs.ts";
import { unifiedDiff } from "../../files/unified-diff.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Call, Handler, Services } from "../services.ts";
import { requirePart } from "../store.ts";
import type { KnownFlows } from "./known-flows.ts";
import { requireFlow, versionOf } from "./stored-flow.ts";

const NUMBER = wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined);

/** `GET /flow/NAME/versions`: what is kept, newest first. */
export function listFlowVersions(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const { name, kept, current } = await versionsOf(services, flows, ctx);
    answerJson(ctx, { versions: kept.map((each) => versionDocument(name, each, current)) });
  };
}

/** `GET /flow/NAME/versions/N`. */
export function describeFlowVersion(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const { name, kept, current } = await versionsOf(services, flows, ctx);
    const version = await textOf(services, { name, kept }, ctx.params.version!);
    answerJson(ctx, { ...versionDocument(name, version, current), source: version.text });
  };
}

/** `GET /flow/NAME/diff?from=N&to=M`: by default how the newest version differs from the one before. */
export function diffFlowVersions(services: Services, flows: KnownFlows): Handler {
  return async (ctx) => {
    const { from, to } = readParameters(ctx, { from: NUMBER, to: NUMBER });
    const found = await versionsOf(services, flows, ctx);
    const after = await textOf(services, found, to ?? found.current ?? found.kept[0]?.version);
    const before = await textOf(services, found, from ?? versionBefore(found, after.version));
    const file = `${found.name}.yaml`;
    ctx.set("content-type", "text/x-diff; charset=utf-8");
    ctx.body = await unifiedDiff(
      new Map([[file, Buffer.from(before.text)]]),
      new Map([[file, Buffer.from(after.text)]]),
    );
  };
}

export interface KeptFlowVersions {
  readonly name: string;
  /** Newest first. */
  readonly kept: Awaited<ReturnType<FlowVersions["list"]>>;
  /** Absent for what was applied to the cluster a moment ago, or is not valid. */
  readonly current: number | undefined;
}

/** @throws Problem `unknown_flow`, `store_unavailable` */
export async function versionsOf(
  services: Services,
  flows: KnownFlows,
  ctx: Call,
): Promise<KeptFlowVersions> {
  const name = ctx.params.name!;
  const declared = await requireFlow(services, name);
  const kept = await requirePart(services, "runs").versions.list(name);
  const read = await flows.read(declared);
  return { name, kept, current: "hash" in read ? versionOf(kept, read.hash) : undefined };
}

/** @throws Problem `unknown_version` if no older one is kept */
export function versionBefore({ name, kept }: Pick<KeptFlowVersions, "name" | "kept">, version: number) {
  const before = kept.find((each) => each.version < version);
  if (before !== undefined) return before.version;
  throw new Problem("unknown_version", `No version of "${name}" before ${version} is kept.`);
}

/**
 * Returns a version with its text.
 * @throws Problem `unknown_version` that names the kept versions
 */
export async function textOf(
  services: Services,
  { name, kept }: Pick<KeptFlowVersions, "name" | "kept">,
  version: number | string | undefined,
): Promise<FlowVersion> {
  const listed = kept.find((each) => String(each.version) === String(version));
  const found = listed && (await requirePart(services, "runs").versions.get(name, listed.version));
  if (found !== undefined) return found;
  const numbers = kept.map((each) => each.version).join(", ") || "none";
  const detail = `The flow "${name}" has no version ${String(version ?? "yet").slice(0, 40)}. Versions kept: ${numbers}.`;
  throw new Problem("unknown_version", detail);
}

function versionDocument(name: string, version: Omit<FlowVersion, "text">, current: number | undefined) {
  const { at, by, message, hash } = version;
  return {
    version: version.version,
    ...{ flow: name, createdAt: new Date(at), by, message, hash },
    current: version.version === current,
  };
}
