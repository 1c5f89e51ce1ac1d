import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Address } from "../../../platform/platform.ts";

/** A call to an instance that is under way until the test ends its body. */
export class HeldCall {
  readonly request: ClientRequest;
  readonly response: Promise<IncomingMessage>;

  constructor(address: Address, path = "/", headers: Record<string, string> = {}) {
    const target = "unix" in address ? { socketPath: address.unix } : address;
    this.request = request({ ...target, path, headers, method: "POST", agent: false });
    // What breaks after the head of the response breaks the response as well.
    this.request.on("error", () => {});
    this.response = once(this.request, "response").then(([response]) => response);
    // `end` throws the error.
    this.response.catch(() => {});
    this.request.write("body ");
  }

  /** Ends the body, which is `body ended` then, and gives the answer. */
  async end(): Promise<{ status: number | undefined; text: string }> {
    this.request.end("ended");
    const response = await this.response;
    return { status: response.statusCode, text: await text(response) };
  }
}
