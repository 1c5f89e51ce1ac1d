/**
 * The program inside every instance that runs a program. It answers the platform and its routers as the runtime of Deno
 * does, and starts the program for each call, or once. It is trusted with nothing but its own `concurrency`.
 */

import { Host } from "./host.ts";
import { Platform } from "./platform-lines.ts";
import { readMessage } from "./start-input.ts";

const { message, input } = await readMessage();
const platform = new Platform(message.nonce);
delete (message as { nonce?: string }).nonce;
const host = new Host(message, platform, input === undefined);
if (input !== undefined) {
  input.on("data", () => platform.printAlive());
  // Standard input ends with the platform, and the instance ends with it.
  input.once("close", () => host.end(0));
  input.resume();
}
try {
  await host.start();
} catch (error) {
  platform.log("error", (error as Error).message);
  await platform.written();
  host.end(1);
}
