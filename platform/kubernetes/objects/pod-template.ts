import type { VersionRecord } from "../versions/versions.ts";
import { denoContainer } from "./deno-pod.ts";
import { egressRules } from "./egress-rules.ts";
import { imagePod } from "./image-pod.ts";
import { LABELS, serviceName, versionHostname } from "./names.ts";
import { instancePod, type PodOptions, projectVolumes } from "./pod-parts.ts";
import { programContainer } from "./program-pod.ts";

/** Builds the pod of a version, by what it runs. */
export function podTemplate(record: VersionRecord, options: PodOptions): object {
  const { name, version, settings } = record;
  const { runtimeClass } = settings;
  return {
    metadata: {
      labels: {
        [LABELS.managedBy]: "skiff",
        [LABELS.function]: name,
        [LABELS.version]: String(version),
        ...(isClosed(record) ? { [LABELS.network]: "closed" } : {}),
      },
    },
    spec: {
      ...instancePod(settings, options),
      ...(runtimeClass === "" ? {} : { runtimeClassName: runtimeClass }),
      // With the Service's name as subdomain, EndpointSlices show the host name, and so the version.
      hostname: versionHostname(version),
      subdomain: serviceName(name),
      ...contentOf(record, options),
    },
  };
}

/**
 * Whether the namespace's policy for public addresses leaves the pods out. Deno's flags hold a function in TypeScript; what
 * holds a program or an image is the network alone. Names in `net` open every public address.
 */
function isClosed({ project, settings }: VersionRecord): boolean {
  if (project?.program === undefined && project?.image === undefined) return false;
  const { net } = settings.permissions;
  return net.length === egressRules(net).length;
}

function contentOf(record: VersionRecord, options: PodOptions): object {
  const { project } = record;
  if (project?.image !== undefined) return imagePod(record, project.image, options);
  const container =
    project?.program === undefined
      ? denoContainer(record, options)
      : programContainer(record, project.program, options);
  return { containers: [container], volumes: projectVolumes(record) };
}
