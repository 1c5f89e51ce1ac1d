import { spawnSync } from "node:child_process";
import type { Context } from "mocha";
import type { WallKind } from "../../../platform/local/wall/profile.ts";
import { findTools } from "../../../process/sandbox/tools.ts";
import { notTried } from "../not-tried.ts";

/** Why this machine cannot have a wall of the kind; undefined if it can. */
export function whyNoWall(kind: WallKind): string | undefined {
  if (process.platform !== "linux") return "namespaces exist on Linux alone";
  const { bwrap, unshare } = findTools();
  if (kind !== "unshare" && bwrap === undefined) return "bubblewrap is not installed";
  if (unshare === undefined) return "unshare is not installed";
  const user = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const { status, stderr } = spawnSync(unshare, [...user, "--mount", "--pid", "--fork", "true"], {
    encoding: "utf8",
  });
  return status === 0 ? undefined : `unshare is refused: ${stderr.trim()}`;
}

/** Skips the test, saying why, where the machine cannot have a wall of the kind. */
export function needsWall(test: Context, kind: WallKind): void {
  const reason = whyNoWall(kind);
  if (reason !== undefined) notTried(test, reason);
}
