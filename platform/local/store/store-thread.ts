/** The thread of the store: it alone opens the database, so that no write keeps calls waiting. */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { Artifact, Source } from "../../platform.ts";
import { StoreDatabase } from "./store-database.ts";
import { type StoreAnswer, type StoreRequest, sendError } from "./store-messages.ts";

function main(port: MessagePort, file: string): void {
  let database: StoreDatabase | undefined;

  const run = ({ method, args }: StoreRequest): unknown => {
    if (method !== "open") return (database![method] as (...args: readonly unknown[]) => unknown)(...args);
    database = new StoreDatabase(file);
  };

  const answer = (request: StoreRequest): StoreAnswer => {
    const { id } = request;
    try {
      return { id, result: run(request) };
    } catch (error) {
      return { id, error: sendError(error) };
    }
  };

  port.on("message", (request: StoreRequest) => {
    const message = answer(request);
    port.postMessage(message, "result" in message ? buffersOf(message.result) : []);
    if (request.method === "close") port.close();
  });
}

/** The bytes of a source or a bundle, which are given away instead of being copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const { bytes, code } = (result ?? {}) as Partial<Source & Artifact>;
  const given = bytes ?? code;
  return given === undefined ? [] : [given.buffer as ArrayBuffer];
}

main(parentPort!, workerData as string);
