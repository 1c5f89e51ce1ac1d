import type { HostCall } from "../host-call.ts";
import { ProgramCall, type ProgramCallOptions } from "./program-call.ts";

/** The calls under way, each of which has a program of its own. */
export class ProgramCalls {
  readonly #options: ProgramCallOptions;
  readonly #running = new Map<string, ProgramCall>();

  #hasRunOut = false;

  constructor(options: ProgramCallOptions) {
    this.#options = options;
  }

  /** Resolves when the answer was delivered and no process of the call is left. */
  async answer(call: HostCall): Promise<void> {
    const running = new ProgramCall(call, this.#options);
    this.#running.set(call.callId, running);
    if (this.#hasRunOut) running.endOutOfMemory();
    await running.ended;
    this.#running.delete(call.callId);
  }

  /** Ends a call whose client has left. Returns false if it does not run. */
  leave(callId: string): boolean {
    const running = this.#running.get(callId);
    running?.leave();
    return running !== undefined;
  }

  /** Ends the calls under way, and those that follow until the host has ended: its memory has run out. */
  endOutOfMemory(): void {
    this.#hasRunOut = true;
    for (const call of this.#running.values()) call.endOutOfMemory();
  }
}
