import type { CallResponse } from "../exchange/response.ts";
import { MalformedResponse } from "../upstream/response-fields.ts";

/** Most informational responses of one call: a function that sends them for ever never answers. */
const MOST = 32;

/** Informational responses (RFC 9110 15.2) on their way to the client, such as 103 Early Hints. */
export class Announcements {
  readonly #response: CallResponse;
  #count = 0;

  constructor(response: CallResponse) {
    this.#response = response;
  }

  /**
   * @param headers names and values in turn
   * @throws MalformedResponse after too many of them
   */
  pass(status: number, headers: readonly string[]): void {
    if (++this.#count > MOST)
      throw new MalformedResponse(`it sent more than ${MOST} informational responses`);
    const response = this.#response;
    // 100 answers an expectation, and those end at the router. HTTP/1.0 knows no informational responses.
    if (status === 100 || response.req.httpVersionMinor === 0) return;
    if (!response.headersSent && !response.destroyed) response.writeInformation(status, headers);
  }
}
