import type { IncomingMessage } from "node:http";
import { type Readable, Transform } from "node:stream";
import type { Limits } from "../../../platform/limits.ts";
import { Problem } from "../../../platform/problems.ts";
import { formatBytes } from "../../../platform/quantity.ts";

/**
 * Returns the body as the standard input of a command; undefined without a body. A body over the limit ends the input,
 * and `stop` gets the reason.
 * @throws Problem `body_too_large` if the length is declared
 */
export function inputOf(
  request: IncomingMessage,
  { callBodyBytes }: Pick<Limits, "callBodyBytes">,
  stop: (reason: Problem) => void,
): Readable | undefined {
  const { "content-length": length, "transfer-encoding": coding } = request.headers;
  if (Number(length ?? 0) === 0 && coding === undefined) return undefined;
  const tooLarge = () => {
    const detail = `The body is over the limit of ${formatBytes(callBodyBytes)} (SKIFF_MAX_BODY): send less, or raise the limit.`;
    return new Problem("body_too_large", detail, { setting: "SKIFF_MAX_BODY" });
  };
  if (Number(length ?? 0) > callBodyBytes) throw tooLarge();
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= callBodyBytes) return done(null, chunk);
      stop(tooLarge());
      done(null, null);
    },
  });
  // A command may end before its input.
  counted.on("error", () => {});
  // A client that leaves ends the command by itself.
  request.on("error", () => counted.end());
  return request.pipe(counted);
}
