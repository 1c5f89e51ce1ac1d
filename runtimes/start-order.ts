import type { ProgramSettings, Runtime, StartSettings } from "../platform/settings/runtime.ts";

/**
 * What an order says about the runtime. A member that is null has its default; `skiff.yaml` of the source decides one that is
 * absent, and the settings before it one that `skiff.yaml` lacks, too.
 */
export interface StartOrder {
  readonly runtime?: Runtime | null;
  readonly command?: readonly string[] | null;
  readonly handler?: string | null;
}

export type FormerStart = Pick<StartSettings, "runtime" | "program">;

/** The settings that a build depends on. */
export interface ChosenStart extends Pick<ProgramSettings, "command" | "handler"> {
  readonly runtime: Runtime;
}

/** Returns those of the settings that a build may depend on. */
export function startOf({ runtime, program }: FormerStart): FormerStart {
  return { runtime, program };
}

/** Orders a build for settings that are known, whatever the source declares. */
export function exactStart({ runtime, program }: FormerStart): StartOrder {
  return { runtime, command: program.command ?? null, handler: program.handler ?? null };
}

/** @param patch changes to settings @param merged the settings with these changes */
export function patchedStart(patch: Readonly<Record<string, unknown>>, merged: FormerStart): StartOrder {
  const exact = exactStart(merged);
  const { runtime, ...program } = exact;
  if (!Object.hasOwn(patch, "program")) return Object.hasOwn(patch, "runtime") ? { runtime: runtime! } : {};
  const changes = patch.program;
  const changed =
    typeof changes === "object" && changes !== null
      ? Object.fromEntries(Object.entries(program).filter(([member]) => Object.hasOwn(changes, member)))
      : program;
  return { ...(Object.hasOwn(patch, "runtime") ? { runtime: runtime! } : {}), ...changed };
}

/** Whether a build for some settings serves others, too. */
export function isSameStart(one: FormerStart, other: FormerStart): boolean {
  return JSON.stringify(exactStart(one)) === JSON.stringify(exactStart(other));
}
