/** The thread of the store. It alone opens the database, so that no write delays calls. */
import { parentPort, workerData } from "node:worker_threads";
import type { Artifact, Source } from "../../platform.ts";
import { StoreDatabase } from "./store-database.ts";
import { type StoreAnswer, type StoreRequest, sendError } from "./store-messages.ts";

const port = parentPort!;
let database: StoreDatabase | undefined;

port.on("message", ({ id, method, args }: StoreRequest) => {
  let answer: StoreAnswer;
  try {
    answer = { id, result: run(method, args) };
  } catch (error) {
    answer = { id, error: sendError(error) };
  }
  port.postMessage(answer, "result" in answer ? buffersOf(answer.result) : []);
  if (method === "close") port.close();
});

function run(method: StoreRequest["method"], args: readonly unknown[]): unknown {
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
