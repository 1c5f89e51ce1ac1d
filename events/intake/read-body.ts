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

export interface BodyReading {
  readonly bodies: Pick<Bodies, "write">;
  readonly limits: Limits;
  /** Gets the bytes of the body. */
  readonly hash?: Hash | undefined;
}

/**
 * Reads the body of a request. One that does not fit into a row goes to the bodies as it arrives.
 * @throws Problem `body_too_large` (at once if the length is declared), `request_timeout`, `store_unavailable`; ClientLeft
 */
export async function readBody(request: IncomingMessage, reading: BodyReading): Promise<StoredBody> {
  const { bodies, limits, hash } = reading;
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (coding === undefined && (length === undefined || Number(length) === 0)) return EMPTY_BODY;
  if (Number(length ?? 0) > limits.callBodyBytes) throw bodyTooLarge(limits);
  const parts = arriving(request, { limits, hash });
  const first: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { value, done } = await parts.next();
    if (done) return { inline: first.length === 1 ? first[0]! : Buffer.concat(first, bytes) };
    first.push(value);
    bytes += value.length;
    if (bytes > INLINE_BYTES) return bodies.write(joined(first, parts), limits.callBodyBytes);
  }
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
  const late = Promise.withResolvers<never>();
  // It may be late after the last part, when nobody waits for it.
  late.promise.catch(() => {});
  let isWaiting = false;
  const idle = setTimeout(() => {
    if (isWaiting) late.reject(idleBody());
    else idle.refresh();
  }, IDLE_MS);
  const upload = setTimeout(() => late.reject(uploadTimeout(limits)), limits.uploadMs);
  // The answer to an error goes out on the same connection.
  const parts = request.iterator({ destroyOnReturn: false });
  let bytes = 0;
  try {
    for (;;) {
      isWaiting = true;
      const next: IteratorResult<Buffer> = await Promise.race([parts.next(), late.promise]);
      isWaiting = false;
      if (next.done) return undefined;
      idle.refresh();
      bytes += next.value.length;
      if (bytes > limits.callBodyBytes) throw bodyTooLarge(limits);
      hash?.update(next.value);
      yield next.value;
    }
  } catch (error) {
    if (error instanceof Problem || !request.destroyed) throw error;
    throw new ClientLeft();
  } finally {
    clearTimeout(idle);
    clearTimeout(upload);
  }
}

function idleBody(): Problem {
  const detail = `No part of the request body arrived for ${formatMs(IDLE_MS)}: send it without pauses.`;
  return new Problem("request_timeout", detail);
}
