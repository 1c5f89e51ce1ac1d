import { launchOf } from "../client-image/project/project-pack.ts";
import type { Source } from "../platform/platform.ts";
import { Problem } from "../platform/problems.ts";
import { buildImage, IMAGE_TYPE } from "./image/image-artifact.ts";
import { needsImage } from "./image/needs-image.ts";
import { type IsInstalled, requireInstalled } from "./program/build/installed.ts";
import type { Builder, BuildOptions } from "./runtime.ts";

export interface BuilderChoice {
  /** Builds what is posted: for Deno, and programs. */
  readonly posted: Builder;
  /** Absent: programs run elsewhere, and their start reports what is missing. */
  readonly isInstalled?: IsInstalled;
}

/** Builds sources by their runtime. An image needs no build. */
export function chooseBuilder({ posted, isInstalled }: BuilderChoice): Builder {
  return {
    ...posted,
    async adviseStart(artifact, log, signal) {
      const launch = launchOf(artifact.code);
      // The advice is about imports.
      if (launch?.program || launch?.image) return undefined;
      return await posted.adviseStart(artifact, log, signal);
    },
    async build(source, options = {}) {
      checkRuntime(source, options);
      if (source.type === IMAGE_TYPE) return buildImage(source);
      const built = await posted.build(source, options);
      if (isInstalled && built.needs) requireInstalled(built.needs, isInstalled);
      return built;
    },
  };
}

/** @throws Problem `invalid_setting` for the runtime of another kind of source */
function checkRuntime({ type }: Source, { start = {}, formerStart }: BuildOptions): void {
  const runtime = start.runtime === undefined ? formerStart?.runtime : (start.runtime ?? "deno");
  if (runtime === undefined || (runtime === "image") === (type === IMAGE_TYPE)) return;
  if (type !== IMAGE_TYPE) throw needsImage();
  const detail = `runtime=${runtime} needs a file or an archive, and the source of this function is an image: deploy the file.`;
  throw new Problem("invalid_setting", detail, { setting: "runtime" });
}
