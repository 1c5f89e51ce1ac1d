import { clientSignal } from "../../../http/client-signal.ts";
import { checkFunctionName } from "../../../platform/function-name.ts";
import type { VersionRecord } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import type { Settings } from "../../../platform/settings/settings.ts";
import { type Contents, unifiedDiff } from "../../files/unified-diff.ts";
import { readParameters, wholeNumber } from "../read-query.ts";
import type { Handler, Services } from "../services.ts";
import { findVersion, keptVersions } from "./read-versions.ts";

/** `GET /func/NAME/versions/N/diff?from=M`: settings and source as a unified diff, from the kept version before N. */
export function diffVersions(services: Services): Handler {
  const readers = { from: wholeNumber(1, Number.MAX_SAFE_INTEGER, undefined) };
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const { from } = readParameters(ctx, readers);
    const signal = clientSignal(ctx.res);
    const kept = await keptVersions(services.platform, name);
    const after = findVersion(kept, ctx.params.version!);
    const before = from === undefined ? versionBefore(kept, after) : findVersion(kept, String(from));
    const isSameSource = before.sourceHash === after.sourceHash;
    const [old, fresh] = isSameSource
      ? [new Map(), new Map()]
      : [await filesOf(before, services, signal), await filesOf(after, services, signal)];
    const [formerSettings, settings] = settingsOf(before.settings, after.settings);
    ctx.set("content-type", "text/x-diff; charset=utf-8");
    ctx.body = await unifiedDiff(
      new Map([["settings.json", formerSettings], ...old]),
      new Map([["settings.json", settings], ...fresh]),
    );
  };
}

function versionBefore(kept: readonly VersionRecord[], { name, version }: VersionRecord): VersionRecord {
  const before = kept.findLast((each) => each.version < version);
  if (before !== undefined) return before;
  const detail = `No version of "${name}" before ${version} is kept: name another one with ?from=N.`;
  throw new Problem("unknown_version", detail);
}

/** Returns the files of a source below `source/`, so that none of them is taken for the settings. */
async function filesOf(
  { name, version }: VersionRecord,
  { platform, builder }: Services,
  signal: AbortSignal,
): Promise<Contents> {
  const source = await platform.readSource(name, version);
  if (source === undefined) {
    throw new Problem("unknown_version", `The source of version ${version} of "${name}" is gone.`);
  }
  const { files } = await builder.unpack(source, signal);
  return new Map([...files].map(([path, bytes]) => [`source/${path}`, bytes]));
}

/** Returns the settings as JSON. A variable whose value has changed shows that, and neither value. */
function settingsOf(before: Settings, after: Settings): [Uint8Array, Uint8Array] {
  const isChanged = (key: string) => Object.hasOwn(before.env, key) && before.env[key] !== after.env[key];
  const shown = (settings: Settings, mark: (key: string) => string) => {
    const env = Object.fromEntries(Object.keys(settings.env).map((key) => [key, mark(key)]));
    return Buffer.from(`${JSON.stringify(sorted({ ...settings, env }), null, 2)}\n`);
  };
  return [shown(before, () => "***"), shown(after, (key) => (isChanged(key) ? "*** (changed)" : "***"))];
}

/** Sorts the members of objects by name, which versions may have in any order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([key, member]) => [key, sorted(member)]));
}
