import { Places } from "../../../client-image/places.ts";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import { keptVariables } from "./calls/call-variables.ts";
import { findProgram } from "./calls/find-program.ts";
import { ProgramCalls } from "./calls/program-calls.ts";
import { InstanceServer } from "./instance-server.ts";
import type { Platform } from "./platform-lines.ts";
import type { CallOrder, ProgramMessage } from "./program-message.ts";
import { ProcessTrees } from "./trees/process-trees.ts";

/** What `main.ts` ends with the platform. */
export interface Host {
  /** Ends all programs, then the host. */
  end(code: number): void;
}

/**
 * Starts what the message asks for, and prints `listening` and `ready`.
 * @throws Error for the log if the program cannot be started
 */
export async function startHost(message: ProgramMessage, platform: Platform): Promise<Host> {
  const { host, listen } = message;
  if (host.mode !== "call") throw new Error(`The program host has no mode ${host.mode}.`);
  const variables = keptVariables(message, process.env);
  const calls = startCalls(host, platform, variables);
  const server = new InstanceServer({
    answer: (call) => calls.answer(call),
    leave: (callId) => calls.leave(callId),
    places: new Places(message.concurrency ?? Infinity),
    version: message.function.version,
  });
  await server.listen(listen);
  platform.printListening();
  const end = (code: number) => {
    calls.endAll();
    process.exit(code);
  };
  process.once("SIGTERM", async () => {
    await server.drain();
    end(0);
  });
  platform.printReady();
  return { end };
}

function startCalls(order: CallOrder, platform: Platform, variables: NodeJS.ProcessEnv): ProgramCalls {
  findProgram(order, variables);
  for (const name of Object.keys(process.env)) {
    if (name === START_VARIABLE || !(name in variables)) delete process.env[name];
  }
  const trees = new ProcessTrees(order.ownsProcesses);
  return new ProgramCalls({ order, platform, trees, variables });
}
