import type { Limits } from "../../../platform/limits.ts";
import type { Platform } from "../../../platform/platform.ts";
import type { Builder } from "../../../runtimes/runtime.ts";
import type { OpenRepository } from "../homes/home.ts";
import type { Git } from "../program/git.ts";

export interface RecordMeans {
  readonly git: Git;
  readonly platform: Platform;
  readonly builder: Builder;
  readonly limits: Limits;
  readonly signal: AbortSignal;
}

/** Brings a repository in line with the versions of its functions and their traffic. In its turn. */
export async function recordVersions(
  repository: OpenRepository,
  _means: RecordMeans,
): Promise<OpenRepository> {
  return repository;
}
