import type { RetrySettings } from "../../events/retry-policy.ts";
import type { Guard, Sticky, Traffic } from "../../platform.ts";
import type { SecretRef } from "../../settings/environment.ts";
import type { Permissions } from "../../settings/permissions.ts";
import type { Quota } from "../../settings/quota.ts";
import type { IsolationSetting, ProgramMode, Runtime, StartSettings } from "../../settings/runtime.ts";
import type { FunctionAccess } from "../../settings/settings.ts";

/** The fields of Kubernetes' objects that Skiff reads; `manifests.ts` has those that it writes. */
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface Resource {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
}

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly observedGeneration?: number;
}

export interface FunctionSpec extends Partial<StartSettings> {
  /** Inline source; without it the source of version `version` counts. */
  readonly source?: string;
  /** Name of an image that is the source. Skiff removes it when a version runs the image. */
  readonly image?: string;
  /** The current version, which has most of the traffic. Set by Skiff. */
  readonly version?: number;
  /** Shares of the calls; absent if `version` takes all of them. Set by Skiff. */
  readonly traffic?: Traffic;
  readonly sticky?: Sticky;
  readonly guard?: Guard;
  /** Versions that are kept although newer ones are over the limit. */
  readonly pinned?: readonly number[];
  readonly min?: number;
  readonly max?: number;
  readonly concurrency?: number;
  readonly timeoutMs?: number;
  readonly idleMs?: number;
  readonly memoryMiB?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly permissions?: Partial<Permissions>;
  /** Path of the main module in the source. */
  readonly entry?: string;
  /** Host names at whose root the function is served. */
  readonly hosts?: readonly string[];
  /** Variables whose values are secrets. */
  readonly secrets?: Readonly<Record<string, SecretRef>>;
  readonly access?: FunctionAccess;
  readonly quota?: Quota;
  /** Cron expressions at whose times the function is called. */
  readonly cron?: readonly string[];
  /** When asynchronous calls are tried again. */
  readonly retry?: RetrySettings;
}

/** The settings of a version that routers need. */
export interface KeptVersion {
  readonly version: number;
  readonly min: number;
  readonly max: number;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly memoryMiB: number;
  /** The permission `net`. */
  readonly net: readonly string[];
  /** Absent if there are none. */
  readonly hosts?: readonly string[];
  /** Absent if everybody may call it. */
  readonly access?: FunctionAccess;
  /** Absent if nothing is limited. */
  readonly quota?: Quota;
  /** Absent if no time calls it. */
  readonly cron?: readonly string[];
  /** Absent if it sets no member. */
  readonly retry?: RetrySettings;
  /** Variables whose values are secrets; absent if there are none. */
  readonly secrets?: Readonly<Record<string, SecretRef>>;
  /** Absent for Deno. */
  readonly runtime?: Runtime;
  /** The mode of its program; absent for Deno. */
  readonly mode?: ProgramMode;
  /** Absent if an instance serves many calls. */
  readonly isolation?: IsolationSetting;
  /** Absent if it has the default. */
  readonly pool?: number;
  /** Absent if it has that of the cluster. */
  readonly runtimeClass?: string;
  /** Absent if its image is pulled without a secret. */
  readonly pullSecret?: string;
}

export interface FunctionStatus {
  /** The current version that routers applied last. */
  readonly version?: number;
  /** Every version that may be called, in ascending order. Absent on a Function of an older Skiff. */
  readonly versions?: readonly KeptVersion[];
  /** Ready instances. */
  readonly instances?: number;
  readonly url?: string;
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
  /** Newest last. */
  readonly lastErrors?: readonly { readonly at: string; readonly message: string }[];
}

export interface FunctionResource extends Resource {
  readonly spec: FunctionSpec;
  readonly status?: FunctionStatus;
}

export interface ConfigMap extends Resource {
  readonly binaryData?: Readonly<Record<string, string>>;
}

export interface Deployment extends Resource {
  readonly spec: {
    readonly replicas?: number;
    readonly template?: { readonly metadata?: Pick<Metadata, "labels"> };
  };
  readonly status?: {
    readonly readyReplicas?: number;
    readonly conditions?: readonly Condition[];
  };
}

export interface ReplicaSet extends Resource {
  readonly spec: { readonly replicas?: number };
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string };
  readonly running?: { readonly startedAt?: string };
  readonly terminated?: {
    readonly reason?: string;
    readonly exitCode?: number;
    readonly message?: string;
    readonly startedAt?: string;
    readonly finishedAt?: string;
  };
}

export interface Pod extends Resource {
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready?: boolean;
      /** Digest or id of its image. */
      readonly imageID?: string;
      readonly restartCount?: number;
      readonly state?: ContainerState;
      readonly lastState?: ContainerState;
    }[];
  };
}

/** Of metrics.k8s.io/v1beta1. */
export interface PodMetrics extends Resource {
  readonly containers?: readonly {
    readonly name: string;
    readonly usage: { readonly memory?: string };
  }[];
}

export interface EndpointSlice extends Resource {
  readonly addressType?: string;
  readonly endpoints?:
    | null
    | readonly {
        readonly addresses: readonly string[];
        readonly hostname?: string;
        readonly conditions?: { readonly ready?: boolean; readonly terminating?: boolean };
        readonly targetRef?: { readonly name?: string; readonly uid?: string };
      }[];
  readonly ports?: null | readonly { readonly name?: string; readonly port?: number }[];
}

export interface Secret extends Resource {
  readonly data?: Readonly<Record<string, string>>;
}

export interface Lease extends Resource {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly leaseTransitions?: number;
  };
}

/** A namespaced kind, in the terms of the API server's paths. */
export interface Kind {
  /** `api/v1`, `apis/apps/v1`. */
  readonly group: string;
  readonly plural: string;
}

export const KINDS = {
  functions: { group: "apis/skiff.dev/v1", plural: "functions" },
  configMaps: { group: "api/v1", plural: "configmaps" },
  services: { group: "api/v1", plural: "services" },
  pods: { group: "api/v1", plural: "pods" },
  secrets: { group: "api/v1", plural: "secrets" },
  deployments: { group: "apis/apps/v1", plural: "deployments" },
  replicaSets: { group: "apis/apps/v1", plural: "replicasets" },
  autoscalers: { group: "apis/autoscaling/v2", plural: "horizontalpodautoscalers" },
  networkPolicies: { group: "apis/networking.k8s.io/v1", plural: "networkpolicies" },
  endpointSlices: { group: "apis/discovery.k8s.io/v1", plural: "endpointslices" },
  jobs: { group: "apis/batch/v1", plural: "jobs" },
  podMetrics: { group: "apis/metrics.k8s.io/v1beta1", plural: "pods" },
  leases: { group: "apis/coordination.k8s.io/v1", plural: "leases" },
} as const satisfies Record<string, Kind>;

export interface Place {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name?: string;
  readonly subresource?: string;
}

export function pathOf({ kind, namespace, name, subresource }: Place): string {
  const parts = [kind.group, "namespaces", namespace, kind.plural, name, subresource];
  return `/${parts.filter((part) => part !== undefined).join("/")}`;
}
