import type { Platform, RouteRules, Traffic, VersionRecord } from "../../../platform/platform.ts";
import { loosenings } from "../../../platform/settings/loosenings.ts";
import { currentVersion } from "../../../platform/traffic.ts";
import { requireKnownSecrets } from "../../deploys/newest-secrets.ts";
import { hostsOf } from "../deploy-function.ts";
import type { Call, Services } from "../services.ts";
import { findVersion, keptVersions } from "./read-versions.ts";

export interface Reroute {
  readonly name: string;
  readonly traffic: Traffic;
  readonly rules: RouteRules;
}

/**
 * Sends calls to stored versions. It waits for no deploy of the function, because a rollback must not wait for a build. A
 * client that disconnects does not abort it.
 * @returns warnings about the versions that take calls now
 * @throws Problem `unknown_function`, `unknown_version`, `host_taken`, `insufficient_scope`, and those of the platform's `route`
 */
export async function reroute(
  ctx: Call,
  { platform, deploys }: Services,
  { name, traffic, rules }: Reroute,
): Promise<readonly string[]> {
  const kept = await keptVersions(platform, name);
  const records = traffic.map(({ version }) => findVersion(kept, String(version)));
  const before = (await platform.find(name))?.settings;
  for (const { settings } of records) requireKnownSecrets(ctx.state.principal, settings, before);
  const after = records.find(({ version }) => version === currentVersion(traffic))!.settings;
  deploys.checkHosts({ name, hosts: after.hosts, reachedAt: hostsOf(ctx.req.headers) });
  const warnings = await Promise.all(records.map((record) => missingSecrets(record, platform)));
  await platform.route(name, traffic, undefined, rules);
  return [...(before ? loosenings(name, before, after) : []), ...warnings.flat()];
}

/** Names the secrets of a version that are gone: without them it cannot start another instance. */
async function missingSecrets(
  { name, version, settings }: VersionRecord,
  { secrets }: Platform,
): Promise<readonly string[]> {
  const refs = Object.entries(settings.secrets);
  const isThere = await Promise.all(refs.map(([, { secret, version }]) => secrets.has(secret, version)));
  return refs
    .filter((_, index) => !isThere[index])
    .map(([variable, ref]) => {
      const gone = `version ${ref.version} of the secret "${ref.secret}", which is gone`;
      return `Version ${version} of "${name}" asks for ${gone}: deploy it again without ${variable}, or with another secret.`;
    });
}
