/** The thread of the history: it alone opens the database, and commits what waits together. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { sendError, type ThreadAnswer, type ThreadRequest } from "../../platform/sqlite/thread-messages.ts";
import type { WorkName } from "../sql/works.ts";
import { HistoryDatabase, type Outcome } from "./history-database.ts";

/** Most requests of one commit. */
const GROUP = 256;

const port = parentPort!;
let database: HistoryDatabase | undefined;

port.on("message", (request: ThreadRequest) => {
  for (let next: ThreadRequest | undefined = request; next !== undefined; ) {
    const group: ThreadRequest[] = [];
    for (; next !== undefined && isWork(next) && group.length < GROUP; next = received()) group.push(next);
    if (group.length > 0) answerAll(group);
    if (next === undefined || isWork(next)) continue;
    answer(next.id, openOrClose(next.method));
    if (next.method === "close") return port.close();
    next = received();
  }
});

function received(): ThreadRequest | undefined {
  return receiveMessageOnPort(port)?.message as ThreadRequest | undefined;
}

function isWork({ method }: ThreadRequest): boolean {
  return method !== "open" && method !== "close";
}

function answerAll(group: readonly ThreadRequest[]): void {
  const outcomes = database!.runAll(group.map(({ method, args }) => ({ method: method as WorkName, args })));
  for (const [place, outcome] of outcomes.entries()) answer(group[place]!.id, outcome);
}

function answer(id: number, outcome: Outcome): void {
  const sent = "error" in outcome ? { id, error: sendError(outcome.error) } : { id, result: outcome.result };
  port.postMessage(sent satisfies ThreadAnswer);
}

function openOrClose(method: string): Outcome {
  try {
    if (method === "open") database = new HistoryDatabase(workerData as string);
    else database?.close();
    return { result: undefined };
  } catch (error) {
    return { error };
  }
}
