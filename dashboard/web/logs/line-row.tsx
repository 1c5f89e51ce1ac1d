import { Link } from "wouter";
import { LineText } from "./line-text.tsx";
import { type LogLine, plainText } from "./log-line.ts";

export interface LineRowProps {
  readonly line: LogLine;
  readonly name: string | undefined;
  readonly search?: string | undefined;
}

/** One line: time, level, version, call, text. */
export function LineRow({ line, name, search }: LineRowProps) {
  const { at, level, stream, version, callId, status, instance } = line;
  const kind = stream === "call" ? "call" : stream === "platform" ? "platform" : "";
  return (
    <div class={`log-line ${level} ${kind}`}>
      <time dateTime={at} title={`${at}${instance === "" ? "" : ` · instance ${instance}`} · ${stream}`}>
        {clock(at)}
      </time>
      <span class="level">{status ?? level}</span>
      <span class="version">{version === undefined ? "" : `v${version}`}</span>
      <span class="call">
        {callId === undefined ? null : (
          <Link href={traceHref(callId, name)} title={`Trace of the call ${callId}`}>
            {callId.slice(0, 8)}
          </Link>
        )}
      </span>
      <span class="text">
        <LineText {...{ name, version }} text={plainText(line)} search={search} />
      </span>
    </div>
  );
}

/** Naming the function spares the search in the logs of all. */
function traceHref(callId: string, name: string | undefined): string {
  return `/trace/${callId}${name === undefined ? "" : `?function=${name}`}`;
}

/** Hours, minutes, seconds and milliseconds here. */
export function clock(at: string): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}
