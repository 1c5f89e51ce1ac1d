import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes, formatMs } from "../../../platform/quantity.ts";

/** A slow client holds a place. The worst lines manage an average of 1 KiB/s. */
const BODY: BodyPace = { windowMs: 30_000, leastBytes: 30 * 1024 };
/** The kernel takes an answer in pieces, which are 64 KiB or more. */
const ANSWER_MS = 60_000;

interface BodyPace {
  readonly windowMs: number;
  /** Of each window. */
  readonly leastBytes: number;
}

export type OnSlow = (problem: Problem) => void;

/**
 * Calls `onSlow` if the body of a request stops or drips. While git does not read, the client is not at fault.
 * @param target what the body is piped to
 */
export function watchBody(
  request: IncomingMessage,
  target: Writable,
  { onSlow, windowMs = BODY.windowMs, leastBytes = BODY.leastBytes }: Partial<BodyPace> & { onSlow: OnSlow },
): void {
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    bytes += chunk.length;
  };
  const timer = setInterval(() => {
    const isSlow = bytes < leastBytes && !request.complete && !target.writableNeedDrain;
    bytes = 0;
    if (!isSlow) return;
    stop();
    const limit = `${formatBytes(leastBytes)} within ${formatMs(windowMs)}`;
    onSlow(
      slow(`Less than ${limit} of the request arrived: use a faster connection, or push less at a time.`),
    );
  }, windowMs).unref();
  const stop = () => {
    clearInterval(timer);
    request.off("data", onData).off("end", stop).off("close", stop);
    target.off("close", stop);
  };
  request.on("data", onData).once("end", stop).once("close", stop);
  target.once("close", stop);
}

/**
 * Calls `onSlow` if a client takes nothing of its answer. While git writes nothing, the client is not at fault.
 * @returns what ends the watch
 */
export function watchAnswer(response: Writable, onSlow: OnSlow, windowMs = ANSWER_MS): () => void {
  let hasMoved = true;
  const onDrain = () => {
    hasMoved = true;
  };
  const timer = setInterval(() => {
    if (response.writableNeedDrain && !hasMoved) {
      stop();
      onSlow(slow(`The client took nothing of the answer for ${formatMs(windowMs)}.`));
    }
    hasMoved = !response.writableNeedDrain;
  }, windowMs).unref();
  const stop = () => {
    clearInterval(timer);
    response.off("drain", onDrain);
  };
  response.on("drain", onDrain);
  return stop;
}

function slow(detail: string): Problem {
  return new Problem("request_timeout", detail);
}
