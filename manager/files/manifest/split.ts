import type { RouteRules } from "../../../platform/platform.ts";
import { Problem } from "../../../platform/problems.ts";
import { isRecord } from "../../../platform/settings/invalid-setting.ts";
import { readGuard, readSticky } from "../../deploys/route-rules.ts";
import { type DeclaredFunction, type DeclaredVersion, FUNCTION_MEMBERS, TOPIC_MEMBERS } from "./declared.ts";
import { type Reading, readMembers, shown } from "./members.ts";
import { below } from "./mistakes.ts";
import { subscriptionOf } from "./topic-members.ts";

/** Versions of one function; more are not kept by default. */
const MOST_VERSIONS = 20;
const VERSION_MEMBERS = [...FUNCTION_MEMBERS, "weight"];

interface FunctionEntry {
  readonly name: string;
  readonly entry: Readonly<Record<string, unknown>>;
  readonly pointer: string;
}

/** Reads a function: one version, or the `versions` that share its calls. */
export function readFunction(reading: Reading, declared: FunctionEntry): DeclaredFunction {
  const { name, pointer } = declared;
  const subscription = subscriptionOf(reading, declared);
  const entry = Object.fromEntries(
    Object.entries(declared.entry).filter(([key]) => !TOPIC_MEMBERS.includes(key)),
  );
  if (!Object.hasOwn(entry, "versions")) {
    const { sticky, guard, ...members } = entry;
    for (const [key, value] of Object.entries({ sticky, guard })) {
      if (value === undefined) continue;
      const detail = `${key} is for a function with several versions: declare them under "versions:".`;
      reading.mistakes.add(reading.manifest, below(pointer, key), detail);
    }
    const version = readMembers(reading, { entry: members, pointer, label: name, also: FUNCTION_MEMBERS });
    return { name, pointer, versions: [version], isSplit: false, rules: {}, ...subscription };
  }
  const { versions, sticky, guard, ...others } = entry;
  for (const key of Object.keys(others)) {
    const detail = `${key} belongs to each of the versions: write it under "versions:".`;
    reading.mistakes.add(reading.manifest, below(pointer, key), detail);
  }
  const at = below(pointer, "versions");
  return {
    ...{ name, pointer, isSplit: true, ...subscription },
    versions: readVersions(reading, versions, { name, pointer: at }),
    rules: {
      ...readRule(reading, below(pointer, "sticky"), () => ({ sticky: readSticky(sticky) })),
      ...readRule(reading, below(pointer, "guard"), () => ({ guard: readGuard(guard) })),
    },
  };
}

function readVersions(
  reading: Reading,
  value: unknown,
  { name, pointer }: { readonly name: string; readonly pointer: string },
): DeclaredVersion[] {
  const { manifest, mistakes } = reading;
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_VERSIONS) {
    mistakes.add(
      manifest,
      pointer,
      `versions must be a list of 1 to ${MOST_VERSIONS} versions, each with its weight.`,
    );
    return [];
  }
  return value.flatMap((entry: unknown, index) => {
    const at = below(pointer, index);
    if (isRecord(entry))
      return [readMembers(reading, { entry, pointer: at, label: name, also: VERSION_MEMBERS })];
    mistakes.add(manifest, at, `A version must be an object with weight and source, not ${shown(entry)}.`);
    return [];
  });
}

function readRule(reading: Reading, pointer: string, read: () => RouteRules): RouteRules {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "invalid_request") throw error;
    reading.mistakes.add(reading.manifest, pointer, error.detail);
    return {};
  }
}
