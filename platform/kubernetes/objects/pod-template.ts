import type { VersionRecord } from "../versions/versions.ts";
import { denoContainer } from "./deno-pod.ts";
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

function contentOf(record: VersionRecord, options: PodOptions): object {
  const { project } = record;
  if (project?.image !== undefined) return imagePod(record, project.image, options);
  const container =
    project?.program === undefined
      ? denoContainer(record, options)
      : programContainer(record, project.program, options);
  return { containers: [container], volumes: projectVolumes(record) };
}
