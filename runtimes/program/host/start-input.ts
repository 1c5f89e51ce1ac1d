import { Socket } from "node:net";
import { START_VARIABLE } from "../../../client-image/start-message.ts";
import type { ProgramMessage } from "./program-message.ts";

export interface StartInput {
  readonly message: ProgramMessage;
  /** Standard input, if the platform writes there. It is paused. */
  readonly input: Socket | undefined;
}

/** Reads the start message from its variable, which is removed then, or from the first line of standard input. */
export async function readMessage(): Promise<StartInput> {
  const given = process.env[START_VARIABLE];
  if (given !== undefined) {
    delete process.env[START_VARIABLE];
    return { message: JSON.parse(given), input: undefined };
  }
  const input = new Socket({ fd: 0, readable: true, writable: false });
  // A broken pipe is the end of the platform, which `close` reports.
  input.on("error", () => {});
  return { message: JSON.parse(await firstLine(input)), input };
}

function firstLine(input: Socket): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const leave = () => process.exit(0);
    const read = (chunk: Buffer) => {
      chunks.push(chunk);
      if (!chunk.includes("\n")) return;
      input.pause();
      input.off("data", read);
      input.off("end", leave);
      resolve(Buffer.concat(chunks).toString().split("\n")[0]!);
    };
    input.on("data", read);
    input.once("end", leave);
  });
}
