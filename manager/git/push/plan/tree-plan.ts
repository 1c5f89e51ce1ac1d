import type { Principal } from "../../../../http/access/principal.ts";
import type { Limits } from "../../../../platform/limits.ts";
import type { Platform, RouteRules, Traffic, VersionNote } from "../../../../platform/platform.ts";
import type { Builder } from "../../../../runtimes/runtime.ts";
import type { DeployOrder, Deploys } from "../../../deploys/deploys.ts";
import type { ObjectKind } from "../../../files/object-kind.ts";
import type { PlannedObject } from "../../../files/plan/plan-objects.ts";

/** What the files of a commit make of its functions. */
export interface TreePlan {
  /** Whether its `skiff.yaml` declares its functions. */
  readonly isGroup: boolean;
  readonly functions: readonly FunctionPlan[];
  readonly objects: readonly PlannedObject[];
  readonly warnings: readonly string[];
}

export interface FunctionPlan {
  readonly name: string;
  /** Its file or folder in the tree; `.` for the whole tree, empty for an image. */
  readonly path: string;
  /** Absent for a new function. */
  readonly former: FormerFunction | undefined;
  /** Whether it is deployed with this source, these settings and this traffic. False if only a build can tell. */
  readonly isUnchanged: boolean;
  readonly versions: readonly VersionPlan[];
  /** Whether calls are shared by weight. Otherwise the only version takes all. */
  readonly isSplit: boolean;
  readonly rules: RouteRules;
  /** Whether the traffic has to be changed although every version is deployed. */
  readonly reroutes: boolean;
  /** Traffic, settings and source as a unified diff, where that is known without a build. */
  readonly diff: string;
}

export interface FormerFunction {
  /** The current version. */
  readonly version: number;
  readonly traffic: Traffic;
  readonly rules: RouteRules;
}

export interface VersionPlan {
  readonly weight: number;
  /** The kept version that it is, in a function whose calls are shared. */
  readonly known?: number | undefined;
  readonly order: Omit<DeployOrder, "signal" | "reachedAt" | "onBuilt">;
}

export interface TreeMeans {
  readonly platform: Platform;
  readonly deploys: Deploys;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly kinds: readonly ObjectKind[];
  readonly principal: Principal;
  readonly note: VersionNote;
  /** Variables of a function that the tip of the branch declares: without them in the tree they are removed. */
  readonly declaredBefore: (name: string) => Promise<ReadonlySet<string>>;
  /** The version of a function with these files, if the tip of the branch has them, however it was posted. */
  readonly versionOfTip: (name: string) => Promise<number | undefined>;
  readonly signal: AbortSignal;
}
