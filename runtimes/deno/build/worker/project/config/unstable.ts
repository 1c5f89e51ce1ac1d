import { Problem } from "../../../../../../platform/problems.ts";
import { quote } from "../paths.ts";

/**
 * Features that every project has: `./x.js` for `x.ts` and imports without an ending, `fs` for `node:fs`, and imports with
 * `type: "text"` and `type: "bytes"`.
 */
export const ALWAYS = ["bare-node-builtins", "raw-imports", "sloppy-imports"];

/** Features that change what a module means and reach nothing outside of it. */
const OPEN = [
  ...ALWAYS,
  ...["broadcast-channel", "byonm", "detect-cjs", "http", "lazy-dynamic-imports", "no-legacy-abort"],
  ...["node-globals", "npm-patch", "temporal", "worker-options"],
];
/** Features of Deno's tools and of its cache, which mean nothing to a running function. */
const TOOLS =
  /^(bundle|compile|lockfile-v\d|npm-lazy-caching|subdomain-wildcards|tsgo|test|(fmt|lint|check|lsp)-.*)$/;

/**
 * Checks the features that `unstable` names, and leaves out those of tools.
 * @throws Problem `invalid_source` for one that opens a hole in the sandbox, or is unknown
 */
export function readUnstable(features: readonly string[], file: string): string[] {
  const refused = features.find((feature) => !OPEN.includes(feature) && !TOOLS.test(feature));
  if (refused === undefined) return features.filter((feature) => !TOOLS.test(feature));
  throw new Problem(
    "invalid_source",
    `${file}: unstable: functions cannot have the feature ${quote(refused)}; they can have ${OPEN.toSorted().join(", ")}.`,
  );
}
