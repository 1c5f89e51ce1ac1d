/**
 * A program that uses the store in a folder while its files cannot grow, and after that. Prints what became of each
 * request, as JSON.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Settlement } from "../../../store/calls.ts";
import { SqliteStore } from "../../../store/sqlite/sqlite-store.ts";
import { newCall } from "../conformance/calls/new-call.ts";

const [folder] = process.argv.slice(2);
// By default the signal ends the process before the write fails.
process.on("SIGXFSZ", () => {});

function limitFiles(bytes: string): void {
  const { status, stderr } = spawnSync("prlimit", [`--fsize=${bytes}:unlimited`, "--pid", `${process.pid}`]);
  if (status !== 0) throw new Error(`prlimit failed: ${stderr}`);
}

async function* longBody(): AsyncGenerator<Uint8Array> {
  yield Buffer.alloc(1_000_000);
}

const store = new SqliteStore({ file: join(folder!, "history.db"), print: console.error });
const now = Date.now();
const call = newCall({ dueAt: now });
const lease = { owner: "w", now, limit: 1, perQueue: 1, running: {}, except: [] };
await store.calls.enqueue([call], { now, mostLive: 10 });
await store.calls.beat("w", now);
const [leased] = (await store.calls.lease(lease)).calls;
const settlement: Settlement = { id: call.id, owner: "w", epoch: leased!.epoch, outcome: { state: "done" } };

const requests = {
  enqueue: () => store.calls.enqueue([newCall({ dueAt: now })], { now, mostLive: 10 }),
  settle: () => store.calls.settle([settlement], now),
  body: () => store.bodies.write(longBody(), 2_000_000),
};

async function outcomes(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const [name, request] of Object.entries(requests)) {
    all[name] = await request().then(
      () => "stored",
      ({ code, message }) => code ?? message,
    );
  }
  return all;
}

limitFiles("1000");
const full = await outcomes();
limitFiles("unlimited");
const after = await outcomes();
const { state } = (await store.calls.get(call.id))!;
console.log(JSON.stringify({ full, after, state }));
await store.close();
