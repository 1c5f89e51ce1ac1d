import { Readable } from "node:stream";
import { clientSignal } from "../../http/client-signal.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import type { LogLine } from "../../platform/platform.ts";
import { Problem } from "../../platform/problems.ts";
import { printable } from "../../process/printable.ts";
import { unknownFunction } from "../deploys/deploys.ts";
import { readParameters, wholeNumber } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

const TAIL = 100;
const MOST_TAIL = 10_000;

/**
 * `GET /func/NAME/logs?tail=&follow=&raw=`: what the function printed; with `follow` until the client leaves. Escape
 * sequences and other control characters are shown as text, because people read this on a terminal; `raw` keeps them.
 */
export function readLogs({ platform, closing }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const parameters = readParameters(ctx, ["tail", "follow", "raw"]);
    const tail = parameters.tail === undefined ? TAIL : wholeNumber("tail", parameters.tail, [0, MOST_TAIL]);
    const follow = flag("follow", parameters.follow);
    const show = flag("raw", parameters.raw) ? rawLine : printable;
    if ((await platform.describe(name)) === undefined) throw unknownFunction(name);
    ctx.status = 200;
    ctx.set("content-type", "text/plain; charset=utf-8");
    // The answer to HEAD has no body, so that there is nothing to follow.
    if (ctx.method === "HEAD") return;
    const signal = AbortSignal.any([clientSignal(ctx.res), closing]);
    const lines = texts(platform.logs(name, { tail, follow, signal }), show);
    // Who follows a silent function shall see that it is being followed. Otherwise the answer begins with
    // the first line, so that a failure until then can still be told.
    if (follow) ctx.flushHeaders();
    ctx.body = Readable.from(follow ? lines : startAgain(await lines.next(), lines));
  };
}

async function* startAgain(
  first: IteratorResult<string>,
  rest: AsyncGenerator<string>,
): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

async function* texts(lines: AsyncIterable<LogLine>, show: (text: string) => string): AsyncGenerator<string> {
  for await (const { at, instance, stream, text } of lines) {
    yield `${at.toISOString()} ${instance} ${stream} ${show(text)}\n`;
  }
}

/** A line break in the text must not pass for the beginning of another line. */
function rawLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, "\\n");
}

function flag(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "false" || text === "0") return false;
  if (text === "true" || text === "1" || text === "") return true;
  throw new Problem("invalid_request", `${name}=${text.slice(0, 40)} must be true or false.`);
}
