import type { FunctionDescription, FunctionSummary } from "../../platform/platform.ts";
import type { Settings } from "../../platform/settings.ts";

/**
 * A function as the list shows it. Every member is named: what a platform knows besides (an environment
 * with secrets in it) must not get out by being there.
 */
export function summaryDocument(summary: FunctionSummary, url: string): Record<string, unknown> {
  const { name, version, hash, createdAt, updatedAt, ready } = summary;
  return { name, version, url, createdAt, updatedAt, ready, hash };
}

/** A function in full. */
export function descriptionDocument(description: FunctionDescription, url: string): Record<string, unknown> {
  const { settings, traffic, versions, instances, lastErrors, notReady, isolation } = description;
  return {
    ...summaryDocument(description, url),
    settings: maskEnv(settings),
    traffic,
    versions,
    instances,
    lastErrors,
    ...(isolation === undefined ? {} : { isolation: { files: isolation.files, network: isolation.network } }),
    ...(notReady === undefined ? {} : { notReady }),
  };
}

/** Values of the environment are often secrets: they go in and never come out of the API. */
function maskEnv(settings: Settings): Settings {
  return { ...settings, env: Object.fromEntries(Object.keys(settings.env).map((name) => [name, "***"])) };
}
