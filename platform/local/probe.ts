import { request } from "node:http";
import { PROBE_HEADER, PROBE_PATH } from "../../client-image/start-message.ts";
import { formatMs } from "../quantity.ts";

/** The instance did not answer in time, as opposed to a connection that failed. */
export class LateProbe extends Error {}

/**
 * Asks the runtime of an instance whether it answers; the function does not see it.
 * @throws LateProbe if it does not answer within `timeoutMs`; Error if it answers something else than 204,
 * or the connection fails
 */
export function probe(socketPath: string, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host: "probe", [PROBE_HEADER]: "1" };
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request({ socketPath, path: PROBE_PATH, headers, signal, agent: false }, (response) => {
      response.resume();
      if (response.statusCode === 204) resolve();
      else reject(new Error(`the answer was ${response.statusCode}`));
    });
    asked.on("error", (error) =>
      reject(signal.aborted ? new LateProbe(`no answer for ${formatMs(timeoutMs)}`) : error),
    );
    asked.end();
  });
}
