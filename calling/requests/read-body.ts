import type { Hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ClientLeft } from "../../http/client-signal.ts";
import { bodyTooLarge, uploadTimeout } from "../../http/request-problems.ts";
import type { Limits } from "../../platform/limits.ts";
import { Problem } from "../../platform/problems.ts";
import { formatMs } from "../../platform/quantity.ts";
import { type Bodies, EMPTY_BODY, INLINE_BYTES, type StoredBody } from "../../store/bodies.ts";

/** Time without a part of the body, in milliseconds. */
const IDLE_MS = 60_000;
/** After each of them something has changed that a reader waits for. */
const EVENTS = ["readable", "end", "close", "error"] as const;

export interface BodyReading {
  readonly bodies: Pick<Bodies, "write">;
  readonly limits: Limits;
  /** Gets the bytes of the body. */
  readonly hash?: Hash | undefined;
}

/**
 * Reads the body of a request. One that does not fit into a row goes to the bodies as it arrives.
 * @throws Problem `body_too_large` (at once if the length is declared), `request_timeout`, `store_unavailable`, those
 * of `bodies`; ClientLeft
 */
export async function readBody(request: IncomingMessage, reading: BodyReading): Promise<StoredBody> {
  const { bodies, limits, hash } = reading;
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (coding === undefined && (length === undefined || Number(length) === 0)) return EMPTY_BODY;
  if (Number(length ?? 0) > limits.callBodyBytes) throw bodyTooLarge(limits);
  if (coding === undefined && Number(length) <= INLINE_BYTES) {
    const inline = await shortBody(request, limits);
    hash?.update(inline);
    return { inline };
  }
  const parts = arriving(request, { limits, hash });
  const first: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { value, done } = await parts.next();
      if (done) return { inline: first.length === 1 ? first[0]! : Buffer.concat(first, bytes) };
      first.push(value);
      bytes += value.length;
      if (bytes > INLINE_BYTES) return await bodies.write(joined(first, parts), limits.callBodyBytes);
    }
  } finally {
    // A store that takes no part leaves them where they are.
    await parts.return(undefined);
  }
}

/** Whether the body may be one that goes to the bodies. */
export function mayBeLong({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > INLINE_BYTES;
}

/** Reads a body of a length that fits into a row, which mostly is there already. */
function shortBody(request: IncomingMessage, limits: Limits): Promise<Uint8Array> {
  if (request.destroyed) throw new ClientLeft();
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const startedAt = performance.now();
  const parts: Buffer[] = [];
  const isLate = () => performance.now() - startedAt >= limits.uploadMs;
  const end = () => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("close", onClose).pause();
  };
  const fail = (error: Error) => {
    end();
    reject(error);
  };
  const onData = (part: Buffer) => {
    parts.push(part);
    if (isLate()) fail(uploadTimeout(limits));
    else timer.refresh();
  };
  const onEnd = () => {
    end();
    resolve(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  };
  const onClose = () => fail(new ClientLeft());
  const onTimeout = () => fail(limits.uploadMs <= IDLE_MS ? uploadTimeout(limits) : idleBody());
  const timer = setTimeout(onTimeout, Math.min(IDLE_MS, limits.uploadMs));
  // It stays: without a listener an error ends the process.
  request.on("error", onClose);
  request.on("data", onData).once("end", onEnd).once("close", onClose);
  return promise;
}

async function* joined(first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>) {
  yield* first;
  yield* rest;
}

/** The parts of a body, within the limits of size and time. */
async function* arriving(
  request: IncomingMessage,
  { limits, hash }: { readonly limits: Limits; readonly hash: Hash | undefined },
): AsyncGenerator<Uint8Array, undefined> {
  let [isIdle, isLate] = [false, false];
  let wake: () => void = () => {};
  const onChange = () => wake();
  const idle = setTimeout(() => {
    isIdle = true;
    wake();
  }, IDLE_MS);
  const upload = setTimeout(() => {
    isLate = true;
    wake();
  }, limits.uploadMs);
  for (const event of EVENTS) request.on(event, onChange);
  let bytes = 0;
  try {
    for (;;) {
      const part = request.read() as Buffer | null;
      if (part !== null) {
        bytes += part.length;
        if (bytes > limits.callBodyBytes) throw bodyTooLarge(limits);
        hash?.update(part);
        yield part;
        // The time of a slow disk is not that of the client.
        isIdle = false;
        idle.refresh();
      } else if (isLate) throw uploadTimeout(limits);
      else if (isIdle) throw idleBody();
      else if (request.readableEnded) return undefined;
      else if (request.destroyed) throw new ClientLeft();
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    clearTimeout(idle);
    clearTimeout(upload);
    // That of errors stays: without a listener an error ends the process.
    for (const event of EVENTS) if (event !== "error") request.off(event, onChange);
  }
}

function idleBody(): Problem {
  const detail = `No part of the request body arrived for ${formatMs(IDLE_MS)}: send it without pauses.`;
  return new Problem("request_timeout", detail);
}
