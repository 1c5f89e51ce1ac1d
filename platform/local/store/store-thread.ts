/** The thread of the store. It alone opens the database, so that no write delays calls. */
import { parentPort, workerData } from "node:worker_threads";
import type { Artifact, Source } from "../../platform.ts";
import { sendError, type ThreadAnswer, type ThreadRequest } from "../../sqlite/thread-messages.ts";
import type { StoreMethod } from "./store.ts";
import { StoreDatabase } from "./store-database.ts";

const port = parentPort!;
let database: StoreDatabase | undefined;

port.on("message", ({ id, method, args }: ThreadRequest) => {
  let answer: ThreadAnswer;
  try {
    answer = { id, result: run(method as StoreMethod | "open", args) };
  } catch (error) {
    answer = { id, error: sendError(error) };
  }
  port.postMessage(answer, "result" in answer ? buffersOf(answer.result) : []);
  if (method === "close") port.close();
});

function run(method: StoreMethod | "open", args: readonly unknown[]): unknown {
  if (method !== "open") return (database![method] as (...args: readonly unknown[]) => unknown)(...args);
  database = new StoreDatabase(workerData as string);
  return undefined;
}

/** Returns the bytes of a source or a bundle, which are transferred without a copy. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const { bytes, code } = (result ?? {}) as Partial<Source & Artifact>;
  const given = bytes ?? code;
  return given === undefined ? [] : [given.buffer as ArrayBuffer];
}
