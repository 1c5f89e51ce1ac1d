import { isRecord } from "../../../../platform/settings/invalid-setting.ts";
import type { Builder, ManifestFile } from "../../../../runtimes/runtime.ts";
import { MANIFESTS } from "../../../deploys/skiff-yaml.ts";
import { packTar } from "../../../files/archive.ts";
import type { DeclaredSetting } from "../../../files/manifest/declared.ts";
import { readManifest } from "../../../files/manifest/manifest.ts";
import { Mistakes } from "../../../files/manifest/mistakes.ts";
import { manifestAt } from "../../history/read-file-at.ts";
import type { OpenRepository } from "../../homes/home.ts";
import type { Git } from "../../program/git.ts";
import type { CommitId } from "../../repository.ts";
import { isForGit } from "../../tree/path-rules.ts";
import { changedPaths } from "../../tree/read-commits.ts";
import type { TreeMeans } from "./tree-plan.ts";

export interface TipOptions {
  readonly repository: OpenRepository;
  /** The commit that is compared with the tip. */
  readonly commit: CommitId;
  readonly objects?: string | undefined;
  readonly git: Git;
  readonly builder: Pick<Builder, "unpack" | "recognize">;
  readonly signal: AbortSignal;
}

/** What the tip of the branch says of a function, read when it is asked for. */
export function tipFacts(options: TipOptions): Pick<TreeMeans, "declaredBefore" | "versionOfTip"> {
  const { repository, commit, objects, git, signal } = options;
  const { tip, functions } = repository.state;
  let manifest: Promise<ManifestFile | undefined> | undefined;
  return {
    async declaredBefore(name) {
      manifest ??= tip === null ? Promise.resolve(undefined) : manifestOf(tip, options);
      const found = await manifest;
      return found === undefined ? new Set() : variablesOf(found, name, repository.name);
    },
    async versionOfTip(name) {
      if (tip === null || !Object.hasOwn(functions, name)) return undefined;
      const at = { repository: repository.path, objects, signal };
      const changed = await changedPaths(git, { ...at, from: tip, to: commit });
      return changed.every(isForGit) ? functions[name]!.version : undefined;
    },
  };
}

async function manifestOf(
  tip: CommitId,
  { repository, git, builder, signal }: TipOptions,
): Promise<ManifestFile | undefined> {
  const found = await manifestAt(git, { repository: repository.path, commit: tip, signal }, MANIFESTS);
  if (found === undefined) return undefined;
  const source = builder.recognize(await packTar(new Map([[found.file, found.bytes]])));
  return (await builder.unpack(source, signal)).manifest;
}

function variablesOf(manifest: ManifestFile, name: string, repository: string): ReadonlySet<string> {
  const { functions, defaults } = readManifest(manifest, new Mistakes(), repository);
  const own = functions.filter((each) => each.name === name).flatMap(({ versions }) => versions);
  const settings = [...defaults, ...own.flatMap((version) => version.settings)];
  return new Set(settings.filter(({ key }) => key === "env").flatMap(namesOf));
}

/** A query has `env=NAME=VALUE`. */
function namesOf({ value }: DeclaredSetting): string[] {
  if (isRecord(value)) return Object.keys(value);
  return [value].flat().map((each) => String(each).split("=", 1)[0]!);
}
