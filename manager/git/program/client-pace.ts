import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes, formatMs } from "../../../platform/quantity.ts";

/** A slow client holds a place. The worst lines manage an average of 1 KiB/s. */
const BODY: BodyPace = { windowMs: 30_000, leastBytes: 30 * 1024 };
/** The kernel takes an answer in pieces, which are 64 KiB or more. A client that reads slowly makes room for one rarely. */
const ANSWER_MS = 60_000;
/** How often an answer is checked in its window: it is ended at most a tenth later. */
const CHECKS = 10;

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
 * Calls `onSlow` if a client reads so little of its answer that the buffer does not drain in a window. While git writes
 * nothing, the client is not at fault.
 * @returns what ends the watch
 */
export function watchAnswer(response: Writable, onSlow: OnSlow, windowMs = ANSWER_MS): () => void {
  /** Checks in a row that found the same full buffer. */
  let checksFull = 0;
  const onDrain = () => {
    checksFull = 0;
  };
  const timer = setInterval(() => {
    checksFull = response.writableNeedDrain ? checksFull + 1 : 0;
    // The first check may come just after the buffer filled.
    if (checksFull <= CHECKS) return;
    stop();
    const detail = `The client read too little of the answer for ${formatMs(windowMs)}: use a faster connection.`;
    onSlow(slow(detail));
  }, windowMs / CHECKS).unref();
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
