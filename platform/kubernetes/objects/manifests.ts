import { parseNetRule } from "../../net-rule.ts";
import type { Settings } from "../../settings.ts";
import type { Metadata, OwnerReference } from "../cluster/resources.ts";
import { type Part, recordAnnotations, type VersionRecord } from "../versions/versions.ts";
import {
  deploymentName,
  egressName,
  FUNCTIONS_NAMESPACE,
  GROUP,
  LABELS,
  PORT_NAME,
  partName,
  serviceName,
} from "./names.ts";
import { type PodOptions, podTemplate } from "./pod-template.ts";

/** The Function that everything below belongs to. */
export interface Owner {
  readonly name: string;
  readonly uid: string;
}

export interface ChildOptions extends PodOptions {
  readonly owner: Owner;
  readonly namespace?: string;
}

/** Deleting the Function removes what refers to it, even when nothing of Skiff runs. */
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

/** The ConfigMap with one gzipped part of a version. Immutable: kubelets need not watch it. */
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

/** Without `replicas`: their number belongs to the autoscaler, and to waking and idleness. */
export function deploymentManifest(record: VersionRecord, options: ChildOptions): object {
  const { owner, namespace = FUNCTIONS_NAMESPACE, limits } = options;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadata(deploymentName(owner.name), owner, namespace),
    spec: {
      selector: { matchLabels: { [LABELS.function]: owner.name } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "100%" } },
      revisionHistoryLimit: 1,
      progressDeadlineSeconds: Math.ceil(limits.startMs / 1_000) + 1,
      template: podTemplate(record, options),
    },
  };
}

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

/** Scales 1 to N on CPU. It leaves a Deployment with 0 replicas alone, which is how a function sleeps. */
export function autoscalerManifest(record: VersionRecord, options: ChildOptions): object {
  const { owner, namespace = FUNCTIONS_NAMESPACE } = options;
  const { min, max } = record.settings;
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: metadata(deploymentName(owner.name), owner, namespace),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deploymentName(owner.name) },
      minReplicas: Math.max(1, min),
      maxReplicas: max,
      metrics: [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: CPU_PERCENT } },
        },
      ],
    },
  };
}

/**
 * What a function may reach besides what the policy of the whole namespace lets through: the private addresses that
 * its `net` lists. Names are not here: they reach private addresses only where those are listed as well.
 */
export function egressRules({ permissions }: Pick<Settings, "permissions">): object[] {
  return permissions.net.flatMap((text) => {
    const rule = parseNetRule(text);
    if (rule?.kind !== "range" && rule?.kind !== "ipv6") return [];
    const cidr = rule.kind === "range" ? `${rule.base}/${rule.bits}` : `${rule.host.slice(1, -1)}/128`;
    const ports = rule.port === undefined ? {} : { ports: [{ protocol: "TCP", port: rule.port }] };
    return [{ to: [{ ipBlock: { cidr } }], ...ports }];
  });
}

/** A policy of the function's own for these; undefined if there are none. */
export function egressManifest(record: VersionRecord, options: ChildOptions): object | undefined {
  const { owner, namespace = FUNCTIONS_NAMESPACE } = options;
  const egress = egressRules(record.settings);
  if (egress.length === 0) return undefined;
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: metadata(egressName(owner.name), owner, namespace),
    spec: {
      podSelector: { matchLabels: { [LABELS.function]: owner.name } },
      policyTypes: ["Egress"],
      egress,
    },
  };
}
