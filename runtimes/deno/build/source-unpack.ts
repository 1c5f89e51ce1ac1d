import { decodeFiles } from "../../../client-image/project/project-pack.ts";
import type { Source } from "../../../platform/platform.ts";
import type { ManifestFile, Unpacked } from "../../runtime.ts";
import type { Answer } from "./build-worker.ts";
import { readProblem } from "./reported-problem.ts";
import type { TaskRunner } from "./task-runner.ts";
import { UNPACKED_FILES, UNPACKED_MANIFEST } from "./tasks.ts";

export interface UnpackCall {
  readonly mostBytes: number;
  readonly signal: AbortSignal;
  /** Called when a worker begins. */
  readonly onBegin: () => void;
}

/** Unpacks a source in a worker. */
export async function unpackInWorker(
  runner: TaskRunner,
  { bytes, type }: Source,
  { mostBytes, signal, onBegin }: UnpackCall,
): Promise<Unpacked> {
  const order = { task: { unpack: type, mostBytes }, source: bytes, onBegin };
  return readUnpacked(await runner.run(order, signal));
}

/** @throws Problem that the source caused */
export function readUnpacked({ reply, body }: Answer): Unpacked {
  if (reply.outcome === "problem") throw readProblem(reply);
  if (reply.outcome !== "unpacked") throw new Error(`a build worker failed to unpack: ${reply.outcome}`);
  const files = new Map<string, Uint8Array>();
  let manifest: ManifestFile | undefined;
  for (const [path, content] of decodeFiles(body)) {
    if (path === UNPACKED_MANIFEST) manifest = JSON.parse(new TextDecoder().decode(content));
    else files.set(path.slice(UNPACKED_FILES.length), content);
  }
  return { files, ...(manifest ? { manifest } : {}) };
}
