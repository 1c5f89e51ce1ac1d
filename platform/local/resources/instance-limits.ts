import type { Settings } from "../../settings.ts";

/** What Deno, the platform's own connections and a function's files take beside a call's two connections. */
const FILES = 512;
const FILES_PER_CALL = 2;

/** Limits that the system holds for each process of an instance, whatever measures its memory. */
export interface InstanceLimits {
  /** RLIMIT_NOFILE: each socket has up to 416 KiB of buffers that are not memory of the process. */
  readonly openFiles: number;
}

export function instanceLimits({ concurrency }: Pick<Settings, "concurrency">): InstanceLimits {
  return { openFiles: FILES + FILES_PER_CALL * concurrency };
}
