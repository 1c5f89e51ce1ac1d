import { Readable } from "node:stream";
import { clientSignal } from "../../http/client-signal.ts";
import { checkFunctionName } from "../../platform/function-name.ts";
import type { LogLine } from "../../platform/platform.ts";
import { unknownFunction } from "../../platform/problems.ts";
import { printable } from "../../process/printable.ts";
import { flag, readParameters, wholeNumber } from "./read-query.ts";
import type { Handler, Services } from "./services.ts";

/**
 * `GET /func/NAME/logs?tail=&follow=&raw=`: output of the function; with `follow` until the client disconnects. Control
 * characters are escaped for terminals unless `raw` is true.
 */
export function readLogs({ platform, closing }: Services): Handler {
  return async (ctx) => {
    const name = checkFunctionName(ctx.params.name);
    const readers = { tail: wholeNumber(0, 10_000, 100), follow: flag, raw: flag };
    const { tail, follow, raw } = readParameters(ctx, readers);
    if ((await platform.describe(name)) === undefined) throw unknownFunction(name);
    ctx.status = 200;
    ctx.set("content-type", "text/plain; charset=utf-8");
    // An answer to HEAD has no body to follow.
    if (ctx.method === "HEAD") return;
    const signal = AbortSignal.any([clientSignal(ctx.res), closing]);
    const texts = format(platform.logs(name, { tail, follow, signal }), raw ? rawLine : printable);
    // With `follow` the head is sent at once, because a silent function prints no first line. Otherwise it waits for
    // the first line, so that an error before that becomes a problem document.
    if (follow) ctx.flushHeaders();
    ctx.body = Readable.from(follow ? texts : prepend(await texts.next(), texts));
  };
}

async function* prepend(first: IteratorResult<string>, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

async function* format(
  lines: AsyncIterable<LogLine>,
  show: (text: string) => string,
): AsyncGenerator<string> {
  for await (const { at, instance, stream, text } of lines) {
    yield `${at.toISOString()} ${instance} ${stream} ${show(text)}\n`;
  }
}

/** Escapes line breaks, with which a function could forge lines. */
function rawLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, "\\n");
}
