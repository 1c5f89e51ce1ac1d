import type { RouteRules } from "../../../platform/platform.ts";
import { JSON_NAMES, QUERY_NAMES } from "../../../platform/settings/settings.ts";

/** One setting of a function, unchecked. */
export interface DeclaredSetting {
  /** Its name in JSON or in a query. */
  readonly key: string;
  readonly value: unknown;
  readonly pointer: string;
}

/** A function as a manifest declares it. */
export interface DeclaredFunction {
  readonly name: string;
  readonly pointer: string;
  /** One, which takes all calls, unless it `isSplit`. */
  readonly versions: readonly DeclaredVersion[];
  /** Whether it declares `versions` with weights. */
  readonly isSplit: boolean;
  readonly rules: RouteRules;
}

export interface DeclaredVersion {
  readonly pointer: string;
  /** 0 for a version without calls. */
  readonly weight: number;
  /** Where its source is, as the manifest says it; absent: beside the manifest under its name. */
  readonly source?: string;
  readonly sourcePointer: string;
  readonly message?: string | undefined;
  readonly settings: readonly DeclaredSetting[];
}

export interface Manifest {
  /** True if the whole folder is the source of one function, whose settings are in the manifest. */
  readonly isOneFunction: boolean;
  readonly functions: readonly DeclaredFunction[];
  /** Settings of every function that does not declare them. */
  readonly defaults: readonly DeclaredSetting[];
  /** What was ignored, and why. */
  readonly warnings: readonly string[];
}

/** Members of a function besides its settings. */
export const FUNCTION_MEMBERS: readonly string[] = ["source", "message"];

export const SETTING_NAMES: readonly string[] = [...new Set([...QUERY_NAMES, ...JSON_NAMES])];
