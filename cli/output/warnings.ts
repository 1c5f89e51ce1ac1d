import { type Output, shown } from "./output.ts";

/** Prints what a change has left to do; with `--json` it is in the answer. */
export function printWarnings(out: Output, warnings: readonly string[] = []): void {
  if (out.json) return;
  for (const warning of warnings) out.note(`${out.styleNote("yellow", "warning:")} ${shown(warning)}`);
}
