import type { LogLine } from "../../../platform/platform.ts";
import { printable } from "../../../process/printable.ts";
import { levelOf } from "../../../store/log-filter.ts";
import type { LogForm } from "./log-query.ts";

/** A line; without an id if it is not kept. */
export type SentLine = LogLine & { readonly id?: string };

/** How lines, or whatever `T` is, are sent. */
export interface Form<T = SentLine> {
  readonly type: string;
  /** Sent first. */
  readonly head?: string;
  /** Sent while nothing is printed, so that both sides find out when the other one is gone. */
  readonly idle?: string;
  readonly write: (line: T) => string;
}

interface FormOptions {
  readonly name: string;
  readonly raw: boolean;
  /** Where a client goes on that has received no line. */
  readonly position?: string | undefined;
}

export function formOf(form: LogForm, { name, raw, position }: FormOptions): Form {
  if (form === "text") {
    return { type: "text/plain; charset=utf-8", write: (line) => writeText(line, raw ? rawLine : printable) };
  }
  const json = (line: SentLine) => writeJson(name, line);
  if (form === "json") return { type: "application/x-ndjson", write: (line) => `${json(line)}\n` };
  const write = (line: SentLine) =>
    `${line.id === undefined ? "" : `id: ${line.id}\n`}data: ${json(line)}\n\n`;
  const head = `retry: 1000\n${position === undefined ? "" : `id: ${position}\n`}\n`;
  return { type: "text/event-stream", head, idle: ":\n\n", write };
}

/** Each line of an entry begins with the same columns, so that no function can forge a line. */
function writeText(line: SentLine, show: (text: string) => string): string {
  const { at, version, instance, stream, callId, text } = line;
  const columns = [at.toISOString(), version === undefined ? "-" : `v${version}`, instance || "-", stream];
  const start = [...columns, levelOf(line), callId ?? "-"].join(" ");
  return text
    .split("\n")
    .map((part) => `${start} ${show(part)}\n`)
    .join("");
}

function writeJson(name: string, line: SentLine): string {
  const { at, version, instance, stream, callId, status, text, id } = line;
  const level = levelOf(line);
  return JSON.stringify({ at, function: name, version, instance, stream, level, callId, status, text, id });
}

/** Escapes carriage returns, with which a function could overwrite the columns. */
function rawLine(text: string): string {
  return text.replaceAll("\r", "\\r");
}
