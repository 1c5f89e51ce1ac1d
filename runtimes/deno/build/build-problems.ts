import type { Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes, formatMs } from "../../../platform/quantity.ts";
import { ARTIFACT_PER_SOURCE } from "./tasks.ts";

export function outOfMemory({ buildMemoryBytes }: Limits): Problem {
  return new Problem(
    "build_failed",
    `The build takes over ${formatBytes(buildMemoryBytes)} of memory (SKIFF_BUILD_MEMORY): its code or data is too large or nested too deeply; make it smaller, or raise the limit.`,
    { setting: "SKIFF_BUILD_MEMORY" },
  );
}

/** A crash does not show whether the parser ran out of memory or of stack. */
export function crashed({ buildMemoryBytes }: Limits): Problem {
  return new Problem(
    "build_failed",
    `The build crashed on this code: it is nested too deeply, or takes over ${formatBytes(buildMemoryBytes)} of memory (SKIFF_BUILD_MEMORY); simplify it, or raise the limit.`,
    { setting: "SKIFF_BUILD_MEMORY" },
  );
}

export function tooMuchDownloaded({ buildCacheBytes }: Limits): Problem {
  return new Problem(
    "build_failed",
    `The imported packages do not fit into the ${formatBytes(buildCacheBytes)} that are kept of them (SKIFF_BUILD_CACHE); import less, or raise the limit.`,
    { setting: "SKIFF_BUILD_CACHE" },
  );
}

export function tookTooLong({ buildMs }: Limits): Problem {
  return new Problem(
    "build_failed",
    `The build took over ${formatMs(buildMs)} (SKIFF_BUILD_TIMEOUT): import less, or raise the limit.`,
    { setting: "SKIFF_BUILD_TIMEOUT" },
  );
}

export function neverBegan({ buildMs }: Limits): Problem {
  return new Problem(
    "no_capacity",
    `Other builds took up all room for ${formatMs(buildMs)} (SKIFF_BUILD_TIMEOUT); try again when they are done.`,
    { retryAfterS: 5, setting: "SKIFF_BUILD_TIMEOUT" },
  );
}

export function tooManyBuilds(waiting: number): Problem {
  return new Problem("no_capacity", `${waiting} builds wait already; try again in a few seconds.`, {
    retryAfterS: 5,
  });
}

export function shuttingDown(): Problem {
  return new Problem("draining", "Skiff is shutting down; post the source again when it is back.", {
    retryAfterS: 1,
  });
}

export function artifactTooLarge(mostBytes: number): Problem {
  return new Problem(
    "build_failed",
    `The function with its packages is larger than ${formatBytes(mostBytes)} (${ARTIFACT_PER_SOURCE} times SKIFF_MAX_SOURCE): import less, or raise the limit.`,
    { setting: "SKIFF_MAX_SOURCE" },
  );
}
