import { checkFunctionName } from "../../../platform/function-name.ts";
import type { Platform, Traffic, VersionRecord } from "../../../platform/platform.ts";
import { Problem, unknownFunction } from "../../../platform/problems.ts";
import { shareOf } from "../../../platform/traffic.ts";
import type { FunctionState } from "../../git/repository.ts";
import { answerJson } from "../answer.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import { baseUrl, type Call, type Handler, type Services } from "../services.ts";
import { shownSettings } from "../shown-settings.ts";

/** `GET /func/NAME/versions`: kept versions, newest first. The cursor is the last version of the previous page. */
export function listVersions(services: Services): Handler {
  const { limits } = services;
  const readers = {
    limit: wholeNumber(1, limits.pageSize, limits.pageSize),
    cursor: wholeNumber(1, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY),
  };
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { limit, cursor } = readParameters(ctx, readers);
    const kept = await keptVersions(services.platform, name);
    const rest = kept.toReversed().filter(({ version }) => version < cursor);
    const page = rest.slice(0, limit);
    const commits = await commitsOf(name, services);
    const versions = page.map((record) => versionDocument({ record, commits }, services, ctx));
    answerJson(ctx, { versions, next: rest.length > limit ? String(page.at(-1)!.version) : null });
  };
}

/** `GET /func/NAME/versions/N`. */
export function describeVersion(services: Services): Handler {
  return async (ctx) => {
    readParameters(ctx, {});
    const record = await readVersion(ctx, services.platform);
    const commits = await commitsOf(record.name, services);
    answerJson(ctx, versionDocument({ record, commits }, services, ctx));
  };
}

/**
 * Returns the version that the path names.
 * @throws Problem `invalid_name`, `unknown_function`, `unknown_version`
 */
export async function readVersion(ctx: Call, platform: Platform): Promise<VersionRecord> {
  const name = checkFunctionName(ctx.params.name);
  return findVersion(await keptVersions(platform, name), ctx.params.version!);
}

/** @throws Problem `unknown_function` */
export async function keptVersions(platform: Platform, name: string): Promise<readonly VersionRecord[]> {
  const kept = await platform.listVersions(name);
  if (kept === undefined) throw unknownFunction(name);
  return kept;
}

/**
 * @param text the version as the client named it
 * @throws Problem `unknown_version` that names the kept versions
 */
export function findVersion(kept: readonly VersionRecord[], text: string): VersionRecord {
  const found = kept.find(({ version }) => String(version) === text);
  if (found !== undefined) return found;
  const versions = kept.map(({ version }) => version).join(", ");
  const detail = `"${kept[0]?.name}" has no version ${text.slice(0, 40)}. Versions kept: ${versions}.`;
  throw new Problem("unknown_version", detail);
}

export interface ShownVersion {
  readonly record: VersionRecord;
  readonly commits: FunctionState["versions"];
}

/** Names every member, because the platform may add members that must stay secret. */
export function versionDocument(
  { record, commits }: ShownVersion,
  services: Services,
  ctx: Call,
): Record<string, unknown> {
  const { name, version, hash, sourceHash, sourceBytes, createdAt, note, pinned, settings } = record;
  const known = commits[version];
  const commit = known?.hash === hash ? known.commit : undefined;
  const traffic: Traffic = services.platform.endpoints(name)?.traffic ?? [];
  return {
    version,
    url: `${baseUrl(services, ctx)}/fn/${name}@${version}`,
    createdAt,
    by: note.by,
    message: note.message,
    commit: commit ?? note.commit,
    author: note.author ?? (commit === undefined ? undefined : note.by),
    hash,
    sourceHash,
    sourceBytes,
    pinned,
    share: shareOf(traffic, version),
    settings: shownSettings(settings),
  };
}

/** The commits of versions in their repository. Without git, versions are shown all the same. */
export async function commitsOf(
  name: string,
  { repositories }: Pick<Services, "repositories">,
): Promise<FunctionState["versions"]> {
  try {
    return (await repositories.keptOf(name))?.state.functions[name]?.versions ?? {};
  } catch (error) {
    if (error instanceof Problem && /^(git_missing|store_unavailable)$/.test(error.code)) return {};
    throw error;
  }
}
