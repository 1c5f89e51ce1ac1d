import { parseImage } from "../../images/image-reference.ts";
import type { ImageSource } from "../../images/images.ts";
import type { Problem } from "../../problems.ts";
import type { Pod } from "../cluster/resources.ts";
import { LABELS } from "../objects/names.ts";
import { RESTRICTED } from "../objects/pod-parts.ts";
import { isPullError, pullProblem } from "./pull-problem.ts";

/** Container whose image is pulled, and container whose image has to be on the node. */
const PULLED = "pulled";
const PRESENT = "present";
/** Seconds beyond the pull after which the cluster ends the pod, if no manager does. */
const SPARE_S = 60;

export interface CheckOptions {
  readonly namespace: string;
  readonly pullMs: number;
  /** Secret of the type kubernetes.io/dockerconfigjson. */
  readonly pullSecret?: string | undefined;
}

/**
 * Builds a pod whose status says what the name of an image means. Its containers have a command that no image has, so
 * nothing of the image runs.
 */
export function checkPod(name: string, image: string, options: CheckOptions): object {
  const { namespace, pullMs, pullSecret } = options;
  const hasDigest = parseImage(image)?.digest !== undefined;
  const container = {
    image,
    command: ["/.skiff-no-such-command"],
    resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
    securityContext: RESTRICTED,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { [LABELS.managedBy]: "skiff", [LABELS.imageCheck]: name },
    },
    spec: {
      restartPolicy: "Never",
      activeDeadlineSeconds: Math.ceil(pullMs / 1_000) + SPARE_S,
      terminationGracePeriodSeconds: 1,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1993,
        runAsGroup: 1993,
        seccompProfile: { type: "RuntimeDefault" },
      },
      ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
      containers: [
        { name: PULLED, ...container, imagePullPolicy: hasDigest ? "IfNotPresent" : "Always" },
        { name: PRESENT, ...container, imagePullPolicy: "Never" },
      ],
    },
  };
}

export type CheckResult = { readonly source: ImageSource } | { readonly problem: Problem };

/**
 * Reads the result from the pod; undefined while there is none. An image that a node has serves if its registry cannot be
 * reached, or has no such image: somebody has loaded it there.
 */
export function checkResult(image: string, pod: Pod): CheckResult | undefined {
  const [pulled, present] = [PULLED, PRESENT].map((name) =>
    pod.status?.containerStatuses?.find((each) => each.name === name),
  );
  const found = sourceOf(image, pulled?.imageID);
  if (found) return { source: found };
  const { reason = "", message = "" } = pulled?.state?.waiting ?? {};
  if (!isPullError(reason)) return undefined;
  const problem = pullProblem(image, { reason, message });
  const here = sourceOf(image, present?.imageID);
  if (here) {
    const serves = here.isLocal || ["unreachable", "timeout"].includes(problem.extensions.reason!);
    return serves ? { source: here } : { problem };
  }
  return isPullError(present?.state?.waiting?.reason ?? "") ? { problem } : undefined;
}

/** The id of an image has a name if a registry has the image under this digest. */
function sourceOf(image: string, imageId = ""): ImageSource | undefined {
  const [, name, digest] = /^(?:[a-z-]+:\/\/)?(?:(.+)@)?((?:sha256:)?[0-9a-f]{64})$/.exec(imageId) ?? [];
  if (digest === undefined) return undefined;
  const whole = digest.startsWith("sha256:") ? digest : `sha256:${digest}`;
  return { image, digest: whole, ...(name === undefined ? { isLocal: true } : {}) };
}
