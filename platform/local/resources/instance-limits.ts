import type { Settings } from "../../settings.ts";

/** What Deno, the platform's own connections and a function's files take beside a call's two connections. */
const FILES = 512;
const FILES_PER_CALL = 2;
/** Limits that the system holds for each process of an instance, whatever measures its memory. */
export interface InstanceLimits {
  /** RLIMIT_NOFILE: each socket has up to 416 KiB of buffers that are not memory of the process. */
  readonly openFiles: number;
  /** RLIMIT_CORE: a function that crashes must not leave its memory on the disk. */
  readonly coreBytes: 0;
}

/** @param mostFiles what Skiff itself may have, because nobody can hand on more */
export function instanceLimits(
  { concurrency }: Pick<Settings, "concurrency">,
  mostFiles = Number.POSITIVE_INFINITY,
): InstanceLimits {
  return { openFiles: Math.min(mostFiles, FILES + FILES_PER_CALL * concurrency), coreBytes: 0 };
}

/** The same as arguments of `prlimit` (util-linux), which stand before the program. */
export function prlimitArguments({ openFiles, coreBytes }: InstanceLimits): string[] {
  return [`--nofile=${openFiles}`, `--core=${coreBytes}`];
}
