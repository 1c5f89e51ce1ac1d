import { request } from "undici";
import { PROBE_HEADER, PROBE_PATH, VERSION_HEADER } from "../../../client-image/start-message.ts";
import type { Address } from "../../platform.ts";
import { delay } from "../cluster/mirror.ts";

const EVERY_MS = 10;
const ANSWER_MS = 2_000;

export interface ProbeOptions {
  readonly version: number;
  readonly signal: AbortSignal;
  /** Time between two probes in milliseconds; default 10. */
  readonly everyMs?: number | undefined;
  /** The instance is a foreign server, which has no version: any answer counts. */
  readonly isForeign?: boolean | undefined;
}

/** Probes an instance until it answers as `version`; resolves with false if the signal aborts first. */
export async function answersProbe(
  address: Extract<Address, { host: string }>,
  { version, signal, everyMs = EVERY_MS, isForeign = false }: ProbeOptions,
): Promise<boolean> {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  while (!signal.aborted) {
    try {
      const response = await request(`http://${host}:${address.port}${isForeign ? "/" : PROBE_PATH}`, {
        headers: isForeign ? {} : { [PROBE_HEADER]: "1" },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await response.body.dump();
      const isIt = response.headers[VERSION_HEADER] === String(version);
      if (isForeign || (response.statusCode === 204 && isIt)) return true;
    } catch (error) {
      // The instance does not listen yet. A TypeError is a bug of this program.
      if (error instanceof TypeError) throw error;
    }
    await delay(everyMs, signal);
  }
  return false;
}
