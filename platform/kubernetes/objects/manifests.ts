import type { Metadata, OwnerReference } from "../cluster/resources.ts";
import { type Part, recordAnnotations, type VersionRecord } from "../versions/versions.ts";
import { egressRules } from "./egress-rules.ts";
import {
  FUNCTIONS_NAMESPACE,
  GROUP,
  LABELS,
  PORT_NAME,
  partName,
  serviceName,
  versionName,
} from "./names.ts";
import type { PodOptions } from "./pod-parts.ts";
import { podTemplate } from "./pod-template.ts";

/** The Function that owns the objects. */
export interface Owner {
  readonly name: string;
  readonly uid: string;
}

export interface ChildOptions extends PodOptions {
  readonly owner: Owner;
  readonly namespace?: string;
}

/** Lets the cluster delete an object together with its Function, even while no manager runs. */
export function ownerReference({ name, uid }: Owner): OwnerReference {
  const apiVersion = `${GROUP}/v1`;
  return { apiVersion, kind: "Function", name, uid, controller: true, blockOwnerDeletion: true };
}

function metadata(name: string, owner: Owner, namespace: string): Metadata {
  return {
    name,
    namespace,
    labels: { [LABELS.managedBy]: "skiff", [LABELS.function]: owner.name },
    ownerReferences: [ownerReference(owner)],
  };
}

function versionMetadata(
  { version }: VersionRecord,
  { owner, namespace = FUNCTIONS_NAMESPACE }: ChildOptions,
) {
  const { labels, ...rest } = metadata(versionName(owner.name, version), owner, namespace);
  return { ...rest, labels: { ...labels, [LABELS.version]: String(version) } };
}

function podLabels({ version }: VersionRecord, { owner }: ChildOptions): Record<string, string> {
  return { [LABELS.function]: owner.name, [LABELS.version]: String(version) };
}

/** Builds the ConfigMap of one gzipped part of a version. It is immutable, so kubelets need not watch it. */
export function partManifest(
  record: VersionRecord,
  { part, index, bytes }: { part: Part; index: number; bytes: Uint8Array },
  { owner, namespace = FUNCTIONS_NAMESPACE }: Pick<ChildOptions, "owner" | "namespace">,
): { metadata: Metadata; [field: string]: unknown } {
  const base = metadata(partName(record, index), owner, namespace);
  const describes = index === 0 || index === record.bundleParts;
  const labels = { ...base.labels, [LABELS.version]: String(record.version), [LABELS.part]: part };
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { ...base, labels, ...(describes ? { annotations: recordAnnotations(record) } : {}) },
    immutable: true,
    binaryData: { part: Buffer.from(bytes).toString("base64") },
  };
}

/** Omits `replicas`, which waking, idling and the autoscaler set. */
export function deploymentManifest(record: VersionRecord, options: ChildOptions): object {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: versionMetadata(record, options),
    spec: {
      selector: { matchLabels: podLabels(record, options) },
      // The template of a version changes only with the client image and the limits of the installation.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "100%" } },
      revisionHistoryLimit: 1,
      progressDeadlineSeconds: Math.ceil(options.limits.startMs / 1_000) + 1,
      template: podTemplate(record, options),
    },
  };
}

/** Selects the pods of all versions. Routers read the ready pods from its EndpointSlices. */
export function serviceManifest({ owner, namespace = FUNCTIONS_NAMESPACE }: ChildOptions): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(serviceName(owner.name), owner, namespace),
    spec: {
      type: "ClusterIP",
      selector: { [LABELS.function]: owner.name },
      ports: [{ name: PORT_NAME, port: 80, targetPort: PORT_NAME, protocol: "TCP", appProtocol: "http" }],
    },
  };
}

const CPU_PERCENT = 75;

export interface AutoscalerOptions extends ChildOptions {
  /** The version has traffic, so its `min` counts. */
  readonly takesCalls: boolean;
}

/** Scales 1 to N on CPU. The autoscaler ignores the Deployment of a sleeping version, which has 0 replicas. */
export function autoscalerManifest(record: VersionRecord, options: AutoscalerOptions): object {
  const { name, version, settings } = record;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: versionMetadata(record, options),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: versionName(name, version) },
      minReplicas: options.takesCalls ? Math.max(1, settings.min) : 1,
      maxReplicas: settings.max,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: CPU_PERCENT } },
        },
      ],
    },
  };
}

/** Builds the NetworkPolicy of a version; undefined if it has no egress rules. */
export function egressManifest(record: VersionRecord, options: ChildOptions): object | undefined {
  const egress = egressRules(record.settings.permissions.net);
  if (egress.length === 0) return undefined;
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: versionMetadata(record, options),
    spec: { podSelector: { matchLabels: podLabels(record, options) }, policyTypes: ["Egress"], egress },
  };
}
