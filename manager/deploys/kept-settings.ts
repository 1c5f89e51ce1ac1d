import { Problem } from "../../platform/problems.ts";
import { START_DEFAULTS, START_NAMES, type StartSettings } from "../../platform/settings/runtime.ts";
import { checkTogether, type Settings, type SettingsPatch } from "../../platform/settings/settings.ts";
import { PROGRAM_MEMBERS, queryName } from "../../platform/settings/start.ts";

/**
 * Checks that settings do not contradict each other. The problem says which of the settings that it names the request does
 * not have, because they are kept from an earlier version.
 * @param changes all that the request changes
 * @throws Problem `invalid_setting`
 */
export function checkKept(settings: Settings, changes: readonly SettingsPatch[]): Settings {
  try {
    return checkTogether(settings);
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "invalid_setting") throw error;
    const words = new Set(error.detail.match(/\w+/g));
    const kept = keptNames(settings, changes).filter((name) => words.has(name));
    if (kept.length === 0) throw error;
    const are = kept.length === 1 ? "is" : "are";
    const resets = kept.map((name) => `${queryName(name)}=default`).join("&");
    const from = `${kept.join(" and ")} ${are} kept from an earlier version; ${resets} resets ${kept.length === 1 ? "it" : "them"}.`;
    throw new Problem("invalid_setting", `${error.detail} ${from}`, error.extensions);
  }
}

/** Names of the settings of a start that differ from their default and that no change has. */
function keptNames(settings: StartSettings, changes: readonly SettingsPatch[]): string[] {
  const members = PROGRAM_MEMBERS.filter(
    (name) =>
      settings.program[name] !== undefined && !changes.some(({ program }) => hasMember(program, name)),
  );
  const names = START_NAMES.filter(
    (name) =>
      name !== "program" &&
      settings[name] !== START_DEFAULTS[name] &&
      !changes.some((change) => Object.hasOwn(change, name)),
  );
  return [...names, ...members];
}

function hasMember(program: unknown, name: string): boolean {
  return typeof program === "object" && program !== null && Object.hasOwn(program, name);
}
