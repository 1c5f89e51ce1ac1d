/**
 * The program inside every instance that runs a program. It answers the platform and its routers as the runtime of Deno
 * does, and starts the program for each call, or once. It is trusted with nothing but its own `concurrency`.
 */

import { Host } from "./host.ts";
import { Platform } from "./platform-lines.ts";
import { OUT_OF_MEMORY_LINE } from "./program-message.ts";
import { isRestarted } from "./restarted.ts";
import { EarlyEnd } from "./servers/served-program.ts";
import { readMessage } from "./start-input.ts";

/** A timer keeps the process running. */
const LONG_MS = 3_600_000;

const { message, input } = await readMessage();
const platform = new Platform(message.nonce);
delete (message as { nonce?: string }).nonce;
const host = new Host(message, platform, input === undefined);
if (input !== undefined) {
  // The platform writes whole lines.
  input.on("data", (lines: Buffer) => {
    if (lines.includes(OUT_OF_MEMORY_LINE)) void host.endOutOfMemory();
    else platform.printAlive();
  });
  // Standard input ends with the platform, and the instance ends with it.
  input.once("close", () => host.end(0));
  input.resume();
}
try {
  if (isRestarted(message)) {
    platform.log("error", "The container has started again: its pod is replaced.");
    setInterval(() => {}, LONG_MS);
  } else await host.start();
} catch (error) {
  platform.log("error", (error as Error).message);
  await platform.written();
  host.end(error instanceof EarlyEnd ? error.code : 1);
}
