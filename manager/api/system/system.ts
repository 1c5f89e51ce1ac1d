import { LIMITS, type Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { readVersion } from "../../../process/version.ts";
import { answerJson } from "../answer.ts";
import { readParameters } from "../read-query.ts";
import { baseUrl, type Call, dashboardUrl, type Handler, type Services } from "../services.ts";
import { fromStore, requireStore } from "../store.ts";
import type { Walls } from "./system-facts.ts";

const MIB = 2 ** 20;
const STARTED_AT = new Date(performance.timeOrigin);

/** `GET /system`: version, isolation, limits, and the health of what Skiff depends on. */
export function describeSystem(services: Services): Handler {
  const { limits, access, commandRules, system } = services;
  let version: string | undefined;
  return async (ctx) => {
    readParameters(ctx, {});
    version ??= readVersion();
    const [store, git, isolation, programs] = await Promise.all([
      storeState(services),
      gitState(services),
      wallsOf(system?.isolation),
      wallsOf(system?.programs),
    ]);
    const { memoryUsage, uptime, cpuUsage } = process;
    const { user, system: kernel } = cpuUsage();
    const dashboard = dashboardUrl(services, ctx);
    const { oidcIssuer } = system ?? {};
    answerJson(ctx, {
      version,
      platform: system?.platform ?? "local",
      startedAt: STARTED_AT,
      url: baseUrl(services, ctx),
      ...(dashboard === undefined ? {} : { dashboard }),
      access: access.mode,
      ...{ isolation, programs, limits: limitsDocument(limits), store, git },
      ...(system?.pool === undefined ? {} : { pool: system.pool() }),
      ...(system?.memory === undefined ? {} : { memory: system.memory() }),
      process: {
        memoryMiB: Math.round(memoryUsage.rss() / MIB),
        uptimeS: Math.round(uptime()),
        cpuS: (user + kernel) / 1e6,
      },
      ...countsOf(services, ctx),
      commands: { on: commandRules?.isOn ?? false, images: commandRules?.images.entries ?? [] },
      oidc: oidcIssuer === undefined ? null : { issuer: oidcIssuer },
    });
  };
}

async function storeState(services: Services) {
  if (services.store === undefined) {
    return { kind: null, ok: false, detail: "Skiff runs without a store: name one in SKIFF_STORE." };
  }
  const { kind, schema } = services.system?.store ?? {};
  // A small read that every store has.
  const read = await fromStore(services, () => requireStore(services).usage.month(new Date()));
  const known = { kind: kind ?? null, ...(schema === undefined ? {} : { schema }) };
  return "found" in read ? { ...known, ok: true } : { ...known, ok: false, detail: read.missing };
}

async function gitState({ repositories }: Services) {
  try {
    return { version: (await repositories.installed()).version };
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "git_missing") throw error;
    return { version: null, detail: error.detail };
  }
}

/** Where the machine cannot isolate, the reason is shown instead. */
async function wallsOf(read: (() => Promise<Walls>) | undefined): Promise<Walls | undefined> {
  try {
    const walls = await read?.();
    return walls && { files: walls.files, network: walls.network };
  } catch (error) {
    const reason = error instanceof Problem ? error.detail : (error as Error).message;
    return { files: reason, network: reason };
  }
}

/** By variable, in bytes, milliseconds or numbers. */
function limitsDocument(limits: Limits): Record<string, object> {
  const rows = Object.entries(LIMITS) as [keyof Limits, (typeof LIMITS)[keyof Limits]][];
  const units = { bytes: "bytes", memory: "bytes", duration: "ms", age: "ms", count: "count" } as const;
  return Object.fromEntries(
    rows.map(([key, [variable, unit, , meaning]]) => [
      variable,
      { value: limits[key], unit: units[unit], meaning },
    ]),
  );
}

/** Functions that the caller may see, and their ready instances. */
function countsOf({ platform }: Services, ctx: Call): { functions: number; instances: number } {
  const only = ctx.state.principal.functions;
  let [functions, instances] = [0, 0];
  for (const { name, versions } of platform.allEndpoints()) {
    if (only?.includes(name) === false) continue;
    functions++;
    for (const version of versions) instances += version.instances.length;
  }
  return { functions, instances };
}
