import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Address } from "../../../platform/platform.ts";

export interface Call extends RequestOptions {
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

/** The response to a call over a connection of its own, as soon as its head is there. */
export function callFor(address: Address, { body, ...options }: Call = {}): Promise<IncomingMessage> {
  const target = "unix" in address ? { socketPath: address.unix } : address;
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(15_000);
    const asked = request({ path: "/", signal, agent: false, ...target, ...options }, resolve);
    asked.on("error", reject);
    asked.end(body);
  });
}

/** The whole answer to a call. */
export async function call(address: Address, options?: Call): Promise<Answer> {
  const response = await callFor(address, options);
  return { status: response.statusCode ?? 0, headers: response.headers, text: await text(response) };
}
