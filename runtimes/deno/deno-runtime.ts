import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { StartMessage } from "../../client-image/start-message.ts";
import { compileProgram } from "../compile-program.ts";
import type { LaunchPaths, LaunchPlan, LaunchPlanner, PlanOrder } from "../runtime.ts";
import { writeProgram } from "../write-program.ts";
import { denoPath } from "./deno-binary.ts";
import { denoRunArguments, folderVariables, programArguments, projectVariables } from "./deno-flags.ts";
import { explainLine, isRemark } from "./permission-advice.ts";

const OPTIONS = ["--format=esm", "--target=esnext", "--tsconfig-raw={}"];

/** Writes the runtime's program into `folder`. */
export async function denoPlanner(folder: string): Promise<LaunchPlanner> {
  return { files: { binary: denoPath(), program: await compileRuntime(folder) }, plan: planLaunch };
}

function planLaunch(order: PlanOrder, { files, artifact, socket, scratch, cache }: LaunchPaths): LaunchPlan {
  const { name, version, settings, secrets, ownAddresses, nonce } = order;
  const folders = folderVariables(scratch);
  const flags = denoRunArguments({
    settings,
    artifact,
    ...(scratch === undefined ? {} : { scratch }),
    listen: { unix: socket },
    ownAddresses,
  });
  const message: StartMessage = {
    nonce,
    ...loadOf(artifact),
    listen: { unix: socket },
    function: { name, version },
    concurrency: settings.concurrency,
    ...(settings.isolation === "call" ? { isOnce: true } : {}),
    env: [...Object.keys(folders), ...Object.keys(settings.env), ...Object.keys(settings.secrets)],
    ...(secrets === undefined ? {} : { secrets }),
  };
  return {
    command: [files.binary, ...flags, ...programArguments(files.program, artifact)],
    ...(artifact.project === undefined ? {} : { cwd: artifact.path }),
    env: {
      NO_COLOR: "1",
      ...folders,
      ...settings.env,
      ...denoVariables(cache),
      ...projectVariables(artifact.project),
    },
    input: JSON.stringify(message),
    listeningLine: `${nonce} listening`,
    readyLine: `${nonce} ready`,
    ping: "alive",
    pongLine: `${nonce} alive`,
    spentLine: `${nonce} spent`,
    explain: (line) => (isRemark(line) ? undefined : explainLine(line, settings.permissions)),
  };
}

/** The runtime imports a module; Deno itself runs a project. */
function loadOf({ path, project }: LaunchPaths["artifact"]): Pick<StartMessage, "bundle" | "replaced"> {
  return project === undefined ? { bundle: pathToFileURL(path).href } : { replaced: project.replaced };
}

function denoVariables(cache: string): Record<string, string> {
  return {
    DENO_DIR: cache,
    DENO_NO_UPDATE_CHECK: "1",
    // Deno hands out the GPU without a permission, and loads native code for it.
    DENO_WEBGPU_BACKEND: "none",
    // Deno does not recognise ::ffff:10.0.0.1, which a name may resolve to, as 10.0.0.1, and takes no IPv6 ranges:
    // so names are resolved to IPv4 addresses only (glibc 2.36 and newer).
    RES_OPTIONS: "no-aaaa",
  };
}

/**
 * Compiles client-image/runtime.ts to one plain JavaScript file in `folder`, which Deno starts 15 ms faster than
 * TypeScript. Returns its path.
 */
export async function compileRuntime(folder: string): Promise<string> {
  const entry = fileURLToPath(new URL("../../client-image/runtime.ts", import.meta.url));
  const file = join(folder, "runtime.mjs");
  writeProgram(file, await compileProgram(entry, OPTIONS));
  return file;
}
