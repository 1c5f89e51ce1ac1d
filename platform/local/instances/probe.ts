import { request } from "node:http";
import { connect } from "node:net";
import { setTimeout } from "node:timers/promises";
import { PROBE_HEADER, PROBE_PATH } from "../../../client-image/start-message.ts";
import type { Address } from "../../platform.ts";
import { formatMs } from "../../quantity.ts";

/** Thrown when the instance does not answer in time, while the connection works. */
export class LateProbe extends Error {}

/** Pause before a retry while the backlog of the instance is full. */
const FULL_MS = 100;

export interface ProbeTarget {
  readonly address: Address;
  /**
   * A server of somebody else, which sees the request: any answer will do. Once it is ready, an accepted connection will,
   * which its program need not see.
   */
  readonly isForeign?: boolean;
  readonly readyAtMs?: number | undefined;
}

/**
 * Probes the runtime of an instance. No function sees the request, and a foreign server sees one at its start.
 * @throws LateProbe if it does not answer within `timeoutMs`; Error if the answer is not 204, or the connection fails
 */
export async function probe(target: ProbeTarget, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    try {
      const hasAnswered = target.isForeign && target.readyAtMs !== undefined;
      return await (hasAnswered ? reach(target.address, signal) : send(target, signal));
    } catch (error) {
      if (signal.aborted) throw new LateProbe(`no answer for ${formatMs(timeoutMs)}`);
      // Its backlog is full, so it is busy.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    await setTimeout(FULL_MS);
  }
}

/** Resolves when the server has accepted a connection. */
function reach(address: Address, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect("unix" in address ? { path: address.unix } : address);
    const abort = () => socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    socket.once("close", () => signal.removeEventListener("abort", abort));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

function send({ address, isForeign = false }: ProbeTarget, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: "probe", [PROBE_HEADER]: "1" };
    const to = "unix" in address ? { socketPath: address.unix } : address;
    const sent = request({ ...to, path: PROBE_PATH, headers, signal, agent: false }, (response) => {
      response.resume();
      if (isForeign || response.statusCode === 204) resolve();
      else reject(new Error(`the answer was ${response.statusCode}`));
    });
    sent.on("error", reject);
    sent.end();
  });
}
