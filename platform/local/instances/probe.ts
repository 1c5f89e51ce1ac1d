import { request } from "node:http";
import { setTimeout } from "node:timers/promises";
import { PROBE_HEADER, PROBE_PATH } from "../../../client-image/start-message.ts";
import { formatMs } from "../../quantity.ts";

/** Thrown when the instance does not answer in time, while the connection works. */
export class LateProbe extends Error {}

/** Pause before a retry while the backlog of the instance is full. */
const FULL_MS = 100;

/**
 * Probes the runtime of an instance; the function does not see the request.
 * @throws LateProbe if it does not answer within `timeoutMs`; Error if the answer is not 204, or the connection fails
 */
export async function probe(socketPath: string, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (;;) {
    try {
      return await send(socketPath, signal);
    } catch (error) {
      if (signal.aborted) throw new LateProbe(`no answer for ${formatMs(timeoutMs)}`);
      // Its backlog is full, so it is busy.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
    await setTimeout(FULL_MS);
  }
}

function send(socketPath: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: "probe", [PROBE_HEADER]: "1" };
    const sent = request({ socketPath, path: PROBE_PATH, headers, signal, agent: false }, (response) => {
      response.resume();
      if (response.statusCode === 204) resolve();
      else reject(new Error(`the answer was ${response.statusCode}`));
    });
    sent.on("error", reject);
    sent.end();
  });
}
