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
  /** What its `topic` stands for. */
  readonly subscription?: DeclaredObject;
}

export interface DeclaredVersion {
  readonly pointer: string;
  /** 0 for a version without calls. */
  readonly weight: number;
  /** Where its source is, as the manifest says it; absent: beside the manifest under its name. */
  readonly source?: string;
  readonly sourcePointer: string;
  /** Name of the image that takes the place of a source. */
  readonly image?: string;
  readonly message?: string | undefined;
  readonly settings: readonly DeclaredSetting[];
}

/** A topic, a flow, a subscription or a schedule as a manifest declares it, unchecked. */
export interface DeclaredObject {
  /** Such as `topics`. */
  readonly plural: ObjectMember;
  readonly name: string;
  readonly pointer: string;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Path of the file that has the spec as a text. */
  readonly file?: string;
}

/** Members of a manifest with other things than functions, in the order in which they are created. */
export const OBJECT_MEMBERS = ["topics", "flows", "subscriptions", "schedules"] as const;
export type ObjectMember = (typeof OBJECT_MEMBERS)[number];

export interface Manifest {
  /** True if the whole folder is the source of one function, whose settings are in the manifest. */
  readonly isOneFunction: boolean;
  /** Whether it has `functions`: without them it says nothing about other functions. */
  readonly hasFunctions: boolean;
  readonly functions: readonly DeclaredFunction[];
  readonly objects: readonly DeclaredObject[];
  /** Settings of every function that does not declare them. */
  readonly defaults: readonly DeclaredSetting[];
  /** What was ignored, and why. */
  readonly warnings: readonly string[];
}

/** Members of a function besides its settings, and those of each of its versions. */
export const FUNCTION_MEMBERS: readonly string[] = ["source", "message", "image"];
/** Members of a function that subscribe it. */
export const TOPIC_MEMBERS: readonly string[] = ["topic", "channel"];

export const SETTING_NAMES: readonly string[] = [...new Set([...QUERY_NAMES, ...JSON_NAMES])];
