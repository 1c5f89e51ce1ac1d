/**
 * The program inside every instance that runs a program. It answers the platform and its routers as the runtime of Deno
 * does, and starts the program for each call, or once. It is trusted with nothing but its own `concurrency`.
 */
import { Platform } from "./platform-lines.ts";
import { startHost } from "./start-host.ts";
import { readMessage } from "./start-input.ts";

const { message, input } = await readMessage();
const platform = new Platform(message.nonce);
delete (message as { nonce?: string }).nonce;
try {
  const host = await startHost(message, platform);
  if (input !== undefined) {
    input.on("data", () => platform.printAlive());
    // Standard input ends with the platform, and the instance ends with it.
    input.once("close", () => host.end(0));
    input.resume();
  }
} catch (error) {
  platform.log("error", (error as Error).message);
  await platform.written();
  process.exit(1);
}
