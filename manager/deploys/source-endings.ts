import type { SourceType } from "../../platform/platform.ts";

/** Endings of file names by media type. A program has none, like other programs of the system. */
export const SOURCE_ENDINGS: Readonly<Record<SourceType, string>> = {
  "text/typescript": ".ts",
  "application/x-tar": ".tar",
  "application/gzip": ".tar.gz",
  "application/zip": ".zip",
  "application/octet-stream": "",
  "application/vnd.skiff.image+json": ".json",
};
