import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { eventually } from "../../support/eventually.ts";

/** Waits in the middle of a push, as the hook of Skiff does. */
const HOOK = `#!/bin/sh
printf '%s' "$GIT_QUARANTINE_PATH" > "$SKIFF_TEST/unfinished" && mv "$SKIFF_TEST/unfinished" "$SKIFF_TEST/asked"
while [ ! -e "$SKIFF_TEST/decided" ]; do sleep 0.02; done
`;

/** Pushes a commit to `main` with a real `git receive-pack`, in whose hook `decide` runs. */
export async function pushInto<T>(
  repository: string,
  { source, commit }: { readonly source: string; readonly commit: string },
  decide: (objects: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "skiff-test-hook-"));
  try {
    writeFileSync(join(folder, "pre-receive"), HOOK);
    chmodSync(join(folder, "pre-receive"), 0o755);
    const receive = `git -c core.hooksPath=${folder} -c receive.unpackLimit=1 receive-pack`;
    const args = ["push", "-q", `--receive-pack=${receive}`, repository, `${commit}:refs/heads/main`];
    const pushed = promisify(execFile)("git", args, {
      cwd: source,
      env: {
        PATH: process.env.PATH,
        SKIFF_TEST: folder,
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: "/dev/null",
      },
    });
    await eventually("the hook runs", () => existsSync(join(folder, "asked")));
    const decided = await decide(readFileSync(join(folder, "asked"), "utf8"));
    writeFileSync(join(folder, "decided"), "");
    await pushed;
    return decided;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
